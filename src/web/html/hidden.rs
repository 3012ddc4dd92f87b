//! Whether a style hides what it is for: the ways in which a page holds text that no reader sees.

/// Lengths of at most this many pixels are too small to read.
const TINY: f64 = 3.0;

/// Pixels that are far outside of a page.
const FAR: f64 = -400.0;

/// What the declarations of a style say about being seen.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Sight {
    Hidden,
    /// They say that it is shown.
    Shown,
    /// They say nothing about it.
    Unsaid,
}

/// Reads `display: none; color: red`.
pub(super) fn sight(style: &str) -> Sight {
    let style = plain(style);
    let declarations: Vec<(&str, &str)> = style
        .split(';')
        .filter_map(|declaration| declaration.split_once(':'))
        .map(|(name, value)| (name.trim(), value.trim().trim_end_matches("!important").trim()))
        .collect();
    let value = |name: &str| declarations.iter().rev().find(|(known, _)| *known == name).map(|(_, value)| *value);
    if declarations.iter().any(|(name, value)| hides(name, value)) || hides_together(value) {
        return Sight::Hidden;
    }
    let says = ["display", "visibility", "opacity"].iter().any(|name| value(name).is_some());
    if says { Sight::Shown } else { Sight::Unsaid }
}

fn hides(name: &str, value: &str) -> bool {
    match name {
        "display" => value == "none",
        "visibility" => matches!(value, "hidden" | "collapse"),
        "content-visibility" => value == "hidden",
        "opacity" => number(value).is_some_and(|opacity| opacity <= 0.1),
        "font-size" => pixels(value).is_some_and(|size| size < TINY),
        "font" => value.split_whitespace().filter_map(|part| part.split('/').next()).any(|part| {
            part.ends_with(|c: char| c.is_ascii_alphabetic() || c == '%' || c == '0') && is_tiny_size(part)
        }),
        "color" | "-webkit-text-fill-color" => is_transparent(value),
        "text-indent" | "left" | "top" | "right" | "bottom" | "margin-left" | "margin-top" | "inset" => {
            value.split_whitespace().filter_map(pixels).any(|length| length <= FAR)
        }
        "clip" => {
            value.starts_with("rect(") && value.chars().filter(char::is_ascii_digit).all(|c| matches!(c, '0' | '1'))
        }
        "clip-path" => {
            ["inset(50%", "inset(100%", "circle(0", "polygon(0 0)"].iter().any(|start| value.starts_with(start))
        }
        "transform" => {
            ["scale(0)", "scale(0,", "scalex(0)", "scaley(0)"].iter().any(|part| value.contains(part))
                || value.contains("translate") && arguments(value).any(|length| length <= FAR)
        }
        "filter" => value.contains("opacity(0"),
        _ => false,
    }
}

fn hides_together<'a>(value: impl Fn(&str) -> Option<&'a str>) -> bool {
    let is_flat = ["height", "width", "max-height", "max-width"]
        .iter()
        .any(|name| value(name).and_then(pixels).is_some_and(|length| length <= 1.0));
    let is_cut = ["overflow", "overflow-x", "overflow-y"]
        .iter()
        .any(|name| value(name).is_some_and(|value| value.starts_with("hidden") || value.starts_with("clip")));
    let background = value("background-color").or_else(|| value("background"));
    let is_camouflaged = match (value("color"), background) {
        (Some(color), Some(background)) => {
            colour(color) == colour(background.split_whitespace().next().unwrap_or_default())
        }
        _ => false,
    };
    is_flat && is_cut || is_camouflaged
}

/// In lower case, without comments and escapes, which browsers read over.
fn plain(style: &str) -> String {
    let mut plain = String::with_capacity(style.len());
    let mut rest = style;
    while let Some((before, after)) = rest.split_once("/*") {
        plain.push_str(before);
        rest = after.split_once("*/").map_or("", |(_, after)| after);
    }
    plain.push_str(rest);
    if !plain.contains('\\') {
        return plain.to_ascii_lowercase();
    }
    let mut read = String::with_capacity(plain.len());
    let mut characters = plain.chars().peekable();
    while let Some(c) = characters.next() {
        if c != '\\' {
            read.push(c);
            continue;
        }
        let mut code = String::new();
        while code.len() < 6
            && let Some(digit) = characters.next_if(char::is_ascii_hexdigit)
        {
            code.push(digit);
        }
        if code.is_empty() {
            read.extend(characters.next());
        } else {
            characters.next_if(|c| c.is_whitespace());
            read.extend(u32::from_str_radix(&code, 16).ok().and_then(char::from_u32));
        }
    }
    read.to_ascii_lowercase()
}

fn number(value: &str) -> Option<f64> {
    match value.strip_suffix('%') {
        Some(percent) => percent.trim().parse::<f64>().ok().map(|percent| percent / 100.0),
        None => value.parse().ok(),
    }
}

/// A length in about as many pixels.
fn pixels(value: &str) -> Option<f64> {
    let end = value.find(|c: char| !matches!(c, '0'..='9' | '.' | '-' | '+')).unwrap_or(value.len());
    let (number, unit) = value.split_at(end);
    let number: f64 = number.parse().ok()?;
    let factor = match unit {
        "" | "px" => 1.0,
        "pt" => 1.33,
        "em" | "rem" | "ch" | "ex" | "lh" => 16.0,
        "vw" | "vh" | "vmin" | "vmax" => 10.0,
        // Of what can not be told; half of it to the left is how things are centred.
        "%" => 1.0,
        "cm" => 38.0,
        "mm" => 3.8,
        "in" => 96.0,
        _ => return (number == 0.0).then_some(0.0),
    };
    Some(number * factor)
}

fn is_tiny_size(part: &str) -> bool {
    pixels(part).is_some_and(|size| size < TINY)
}

fn arguments(value: &str) -> impl Iterator<Item = f64> {
    value.split(['(', ')', ',', ' ']).filter_map(pixels)
}

fn is_transparent(value: &str) -> bool {
    value == "transparent"
        || value
            .strip_prefix('#')
            .is_some_and(|hex| hex.len() == 4 && hex.ends_with('0') || hex.len() == 8 && hex.ends_with("00"))
        || (value.starts_with("rgb") || value.starts_with("hsl"))
            && value
                .trim_end_matches(')')
                .rsplit([',', '/'])
                .next()
                .filter(|_| value.matches(',').count() == 3 || value.contains('/'))
                .and_then(|alpha| number(alpha.trim()))
                .is_some_and(|alpha| alpha <= 0.1)
}

/// One spelling of a colour that has several.
fn colour(value: &str) -> String {
    match value {
        "white" => "#ffffff".to_owned(),
        "black" => "#000000".to_owned(),
        _ => match value.strip_prefix('#') {
            Some(hex) if hex.len() == 3 => format!("#{}", hex.chars().flat_map(|c| [c, c]).collect::<String>()),
            Some(_) | None => value.split_whitespace().collect(),
        },
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn w08_styles_that_hide() {
        for style in [
            "display:none",
            "DISPLAY : NONE !important",
            "color: red; display: none;",
            "disp/**/lay: none",
            "d\\69splay: none",
            "d\\000069 splay: none",
            "visibility: hidden",
            "visibility:collapse",
            "content-visibility: hidden",
            "opacity: 0",
            "opacity:0.0",
            "opacity: 5%",
            "font-size: 0",
            "font-size:1px",
            "font-size: 0.1em",
            "font-size: 2pt",
            "font: 0/0 a",
            "font: 1px serif",
            "color: transparent",
            "color:#fff0",
            "color: #0000",
            "color: #12345600",
            "color: rgba(0, 0, 0, 0)",
            "color: rgb(0 0 0 / 0%)",
            "color: white; background: #fff",
            "color:#FFFFFF;background-color:white",
            "position:absolute; left:-9999px",
            "position: fixed; top: -200vh",
            "text-indent: -999em",
            "margin-left:-5000px",
            "height:0; overflow:hidden",
            "width:1px;height:1px;overflow:hidden",
            "clip: rect(0 0 0 0)",
            "clip: rect(1px, 1px, 1px, 1px)",
            "clip-path: inset(100%)",
            "clip-path:inset(50%)",
            "transform: scale(0)",
            "transform: translateX(-9999px)",
            "filter: opacity(0)",
        ] {
            assert_eq!(sight(style), Sight::Hidden, "{style}");
        }
    }

    #[test]
    fn styles_that_do_not() {
        for (style, expected) in [
            ("", Sight::Unsaid),
            ("color: red", Sight::Unsaid),
            ("color: #fff; background: #000", Sight::Unsaid),
            ("color: rgb(0, 0, 0)", Sight::Unsaid),
            ("color: #000", Sight::Unsaid),
            ("font-size: 12px", Sight::Unsaid),
            ("font-size: 80%", Sight::Unsaid),
            ("font: 400 16px/1.5 serif", Sight::Unsaid),
            ("font: bold 10pt sans-serif", Sight::Unsaid),
            ("height: 0", Sight::Unsaid),
            ("overflow: hidden; height: 200px", Sight::Unsaid),
            ("left: -10px", Sight::Unsaid),
            ("display: block", Sight::Shown),
            ("opacity: 0.9", Sight::Shown),
            ("opacity: 100%", Sight::Shown),
            ("transform: scale(0.5)", Sight::Unsaid),
            ("transform: translate(-50%, -50%)", Sight::Unsaid),
            ("display", Sight::Unsaid),
            ("\\", Sight::Unsaid),
            ("/*", Sight::Unsaid),
        ] {
            assert_eq!(sight(style), expected, "{style}");
        }
    }
}
