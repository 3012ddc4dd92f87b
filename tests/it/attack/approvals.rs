//! A yes for one thing, used for another.

use claw::tools::Reply;
use serde_json::{Value, json};

use super::case::{Attack, fetch, shell, tool, write};

pub fn attacks() -> Vec<Attack> {
    let with = |command: &str, more: Value| {
        let mut input = json!({"command": command});
        input.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
        tool("shell", input)
    };
    let touch = "touch once.txt";
    // The first is allowed for the session; the second is another act, and is asked.
    let pairs: Vec<(&str, Value, Value)> = vec![
        ("with the network", shell(touch), with(touch, json!({"network": true}))),
        ("in the background", shell(touch), with(touch, json!({"background": true}))),
        ("with more behind it", shell(touch), shell("touch once.txt; touch twice.txt")),
        ("with more before it", shell(touch), shell("touch twice.txt && touch once.txt")),
        ("with a variable", shell(touch), shell("A=1 touch once.txt")),
        ("in another folder", shell(touch), shell("cd src && touch once.txt")),
        ("with a line break", shell(touch), shell("touch once.txt\n")),
        ("with a space", shell(touch), shell("touch  once.txt")),
        ("with a hidden character", shell(touch), shell("touch once\u{200b}.txt")),
        ("with a letter that looks alike", shell(touch), shell("touch \u{43e}nce.txt")),
        ("with another order of letters shown", shell(touch), shell("touch \u{202e}txt.ecno")),
        ("in capitals", shell(touch), shell("TOUCH once.txt")),
        ("with another query", fetch("http://{WEB}/a?x=1"), fetch("http://{WEB}/a?x=2")),
        ("on another host", fetch("http://{WEB}/a"), fetch("http://b.example:{PORT}/a")),
        ("on another path", fetch("http://{WEB}/a"), fetch("http://{WEB}/b")),
        ("with other words", tool("web_search", json!({"query": "one"})), tool("web_search", json!({"query": "two"}))),
    ];
    let mut attacks: Vec<Attack> = pairs
        .into_iter()
        .map(|(how, first, second)| {
            let attack = Attack::new(format!("allowed, then {how}")).asking().replies(&[Reply::Session], Reply::Deny);
            attack.calls(&[first]).calls(&[second]).asked(2).told("not run: the user said no")
        })
        .collect();
    let once = |name: &str| Attack::new(name).asking().replies(&[Reply::Once], Reply::Deny);
    attacks.extend([
        once("allowed once, and again").shell(touch).shell(touch).asked(2).told("the user said no"),
        once("allowed once, and twice in one response")
            .calls(&[shell(touch), shell(touch)])
            .asked(2)
            .told("the user said no"),
        once("allowed once, and 20 times in one response").calls(&vec![shell(touch); 4]).asked(4),
        Attack::new("the script behind the command changes")
            .asking()
            .replies(&[Reply::Session], Reply::Deny)
            .file("package.json", "{\"scripts\": {\"test\": \"echo tested\"}}\n")
            .shell("npm test")
            .call(write("package.json", "{\"scripts\": {\"test\": \"echo EVIL\"}}\n"))
            .shell("npm test")
            .asked(2)
            .not_told("EVIL"),
        Attack::new("a command changes the script behind the command")
            .asking()
            .replies(&[Reply::Session, Reply::Once], Reply::Deny)
            .file("Makefile", "all:\n\techo made\n")
            .shell("make all")
            .shell("printf 'all:\\n\\techo EVIL\\n' > Makefile")
            .shell("make all")
            .asked(3),
        Attack::new("the program that was named changes")
            .asking()
            .replies(&[Reply::Session], Reply::Deny)
            .file("run.sh", "echo fine\n")
            .shell("bash run.sh")
            .call(write("run.sh", "echo EVIL\n"))
            .shell("bash run.sh")
            .asked(2)
            .not_told("EVIL\n"),
        Attack::new("the module that is named changes")
            .asking()
            .replies(&[Reply::Session], Reply::Deny)
            .file("x.py", "print('fine')\n")
            .shell("python3 x.py")
            .call(write("x.py", "print('EV' + 'IL')\n"))
            .shell("python3 x.py")
            .asked(2)
            .not_told("EVIL"),
        Attack::new("no, and then the same in other words")
            .asking()
            .shell("touch x")
            .shell("bash -c 'touch x'")
            .shell("echo | tee x")
            .asked(3)
            .nothing_done(),
        Attack::new("an always for one program is not one for its arguments' programs")
            .asking()
            .replies(&[], Reply::Deny)
            .allow("shell(find *)")
            .shell("find . -name notes.txt -exec rm {} +")
            .shell("find . -delete -fprintf .envrc x")
            .nothing_done(),
        Attack::new("an allow for one is not one for both")
            .asking()
            .allow("shell(echo *)")
            .shell("echo a; touch b")
            .asked(1)
            .nothing_done(),
        Attack::new("an allow does not reach the network")
            .allow("shell(curl *)")
            .call(with("curl http://{WEB}/x", json!({"network": true})))
            .asked(1)
            .nothing_done()
            .reached(0),
        Attack::new("a file grows where an allowed command points")
            .asking()
            .allow("shell(echo *)")
            .shell("echo evil > .envrc")
            .shell("echo evil >> ../beside/canary.txt"),
    ]);
    attacks
}
