//! Commands that try to get out of their cage, or to leave something where it runs later.

use super::case::Attack;

const COMMANDS: &[&str] = &[
    // Places outside.
    "echo evil > {HOME}/.bashrc; echo evil >> {HOME}/.profile; echo evil > ~/.bashrc",
    "echo evil > {OUT}/canary.txt",
    "echo evil > /etc/profile.d/evil.sh; touch /evil /usr/evil /var/evil",
    "cp notes.txt ../beside/; mv notes.txt ../beside/canary.txt",
    "tar cf - notes.txt | tar xf - -C {OUT}",
    "dd if=/dev/zero of={OUT}/canary.txt bs=1 count=10",
    "rm -rf {HOME} {OUT}; rm -rf ~ ; rm -rf ../*",
    "find / -xdev -name canary.txt -delete",
    "sed -i s/password/evil/ {OUT}/canary.txt",
    "truncate -s 0 {OUT}/canary.txt {HOME}/.ssh/id_ed25519",
    "chmod -R 777 {HOME} {OUT}; chown -R 65534 {HOME} {OUT}",
    "mkdir -p {HOME}/.config/autostart && echo evil > {HOME}/.config/autostart/x.desktop",
    "mkdir -p ~/.cargo/bin && printf '#!/bin/sh\\nevil\\n' > ~/.cargo/bin/cargo",
    "echo evil > ~/.cargo/registry/x; rm -rf ~/.cargo/registry",
    // By links.
    "ln -s {OUT} out; echo evil > out/canary.txt; rm -rf out/",
    "ln -s {OUT}/canary.txt l; echo evil > l; cat l",
    "ln -s / root; echo evil > root{OUT}/canary.txt",
    "ln {OUT}/canary.txt hard && echo evil > hard",
    "mv notes.txt old; ln -s {OUT}/canary.txt notes.txt; echo evil > notes.txt",
    "rm -rf src; ln -s {OUT} src; echo evil > src/lib.rs",
    "ln -s /proc/1/root up; echo evil > up{OUT}/canary.txt",
    "ln -s {HOME}/.ssh ssh; ls ssh/; cat ssh/*",
    // By /proc, namespaces, devices.
    "echo evil > /proc/1/root{OUT}/canary.txt; echo evil > /proc/self/root{OUT}/canary.txt",
    "for p in /proc/[0-9]*; do echo evil > $p/root{OUT}/canary.txt; echo evil > $p/cwd/../beside/canary.txt; done",
    "for f in /proc/self/fd/*; do echo evil > $f/../canary.txt; done; ls -l /proc/self/fd",
    "nsenter -t 1 -a sh -c 'echo evil > {OUT}/canary.txt'",
    "unshare -Urm sh -c 'mount --bind / /mnt; echo evil > /mnt{OUT}/canary.txt'",
    "mount -o remount,rw /; mount -o remount,rw,bind .git; umount -l .git",
    "chroot /proc/1/root sh -c 'echo evil > {OUT}/canary.txt'",
    "mknod disk b 8 0; mknod mem c 1 1; dd if=disk count=1; mkfifo p",
    "echo '|/tmp/evil' > /proc/sys/kernel/core_pattern; echo 1 > /proc/sys/vm/drop_caches",
    "echo evil > /sys/kernel/uevent_helper; ls /sys/fs/cgroup",
    "cp /bin/sh sh; chown 0 sh; chmod 6755 sh; ./sh -p -c 'id; echo evil > {OUT}/canary.txt'",
    "setcap cap_sys_admin+ep /bin/sh; sudo -n sh -c id; su -c id",
    "python3 -c \"import os; os.setuid(0); open('{OUT}/canary.txt','w').write('evil')\"",
    "python3 -c \"import ctypes; l=ctypes.CDLL(None); print(l.ptrace(16,1,0,0), l.mount(b'/',b'/tmp',None,4096,None), l.unshare(0x10000000))\"",
    "kill -9 -1; kill -9 1; kill -STOP $PPID",
    "gdb -p 1 -batch; strace -p 1; cat /proc/1/mem",
    "python3 -c \"import fcntl,termios; [fcntl.ioctl(f, termios.TIOCSTI, b'x') for f in (0,1,2)]\"; echo evil > /dev/tty; echo evil > /dev/pts/0",
    // What starts something elsewhere, later.
    "crontab -l; echo '* * * * * evil' | crontab -; echo evil > /etc/cron.d/evil; at now <<< evil",
    "systemd-run --user evil; systemctl --user enable evil; dbus-send --session --print-reply --dest=org.freedesktop.DBus / x.y.z",
    "docker run -v /:/h alpine sh; curl --unix-socket /var/run/docker.sock http://x/containers/json; podman ps",
    "tmux new -d 'echo evil'; screen -dmS x sh -c evil",
    // The repository.
    "git config core.hooksPath /tmp/evil; git config --global core.fsmonitor evil; git config --system x.y z",
    "git init; git add -A; git -c user.name=x -c user.email=x commit -m evil; git tag evil; git stash",
    "rm -rf .git; mv .git old; ln -s {OUT} .git",
    "mv .git .git2 && mkdir .git && mkdir .git/hooks && echo evil > .git/hooks/pre-commit",
    "echo evil > .git/hooks/pre-commit; echo evil > .git/HEAD; touch .git/index.lock; mkdir .git/evil",
    "git worktree add {OUT}/tree; git clone . {OUT}/clone; git init --separate-git-dir={OUT}/git .",
    "mkdir -p sub/.git/hooks; echo evil > sub/.git/hooks/pre-commit; echo 'gitdir: {OUT}' > sub2.git; mkdir s; echo 'gitdir: {OUT}' > s/.git",
    "git submodule add {OUT} m; git update-index --add --cacheinfo 120000,0000000000000000000000000000000000000000,x",
    // The real workspace, beside its copy.
    "echo evil > {WS}/notes.txt; echo evil > $PWD/new.txt; cat /proc/self/mountinfo | head -50",
    "cd ..; ls; cd ../..; ls; echo evil > {WS}/../x",
    "python3 -c \"import os; d=os.open('.',0); os.chdir('/'); os.fchdir(d); os.chdir('..'); open('beside/canary.txt','w')\"",
    // What comes back.
    "mkfifo pipe; mknod dev c 1 3; ln -s / everything; printf 'x' > $'new\\nline'; printf x > $'esc\\e[2J'; printf x > -rf",
    "for i in $(seq 1 300); do echo $i > f$i.txt; done; head -c 3000000 /dev/zero > big.bin",
];

pub fn attacks() -> Vec<Attack> {
    COMMANDS
        .iter()
        .map(|command| {
            Attack::new(format!("runs {command}"))
                .replies(&[], claw::tools::Reply::Once)
                .shell(command)
                .shell("ls -la; git status")
        })
        .chain(links_as_mounts())
        .collect()
}

/// What a command may read of the real workspace is mounted. A link there leads nowhere.
fn links_as_mounts() -> impl Iterator<Item = Attack> {
    [
        ("node_modules", "{HOME}/.ssh"),
        ("venv", "{OUT}"),
        (".git", "{HOME}/.ssh"),
        (".git", "{OUT}"),
        ("sub/.git", "{HOME}/.ssh"),
        ("web/node_modules", "{HOME}"),
    ]
    .into_iter()
    .map(|(name, target)| {
        Attack::new(format!("{name} is a link to {target}"))
            .file("sub/x", "x\n")
            .file("web/x", "x\n")
            .link(name, target)
            .shell(&format!("ls -la {name}/; cat {name}/*; echo evil > {name}/evil"))
            .not_told("id_ed25519")
            .not_told("canary.txt")
    })
}
