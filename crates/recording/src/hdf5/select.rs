//! Names: patterns, and numbers in the order of their values.

use std::cmp::Ordering;

/// Whether a path fits a pattern in which `*` stands for any run of characters but `/`. A leading `/` does not count.
pub(crate) fn matches(pattern: &str, path: &str) -> bool {
    let (mut pattern, mut path) =
        (pattern.trim_start_matches('/').chars(), path.trim_start_matches('/').chars());
    // What follows the latest star, and where in the path it was last tried.
    let mut star: Option<(std::str::Chars<'_>, std::str::Chars<'_>)> = None;
    loop {
        let here = path.clone();
        match (pattern.next(), path.next()) {
            (None, None) => return true,
            (Some('*'), _) => {
                star = Some((pattern.clone(), here.clone()));
                path = here;
            }
            (Some(a), Some(b)) if a == b => {}
            _ => {
                let Some((after, tried)) = &mut star else { return false };
                if tried.next().is_none_or(|skipped| skipped == '/') {
                    return false;
                }
                (pattern, path) = (after.clone(), tried.clone());
            }
        }
    }
}

/// Orders names so that `trace_9` comes before `trace_10`.
pub(crate) fn natural_order(a: &str, b: &str) -> Ordering {
    let (mut a_rest, mut b_rest) = (a, b);
    loop {
        let (a_number, b_number) = (digits(a_rest), digits(b_rest));
        if !a_number.is_empty() && !b_number.is_empty() {
            let value = |number: &str| number.trim_start_matches('0').to_owned();
            let (a_value, b_value) = (value(a_number), value(b_number));
            let order = a_value.len().cmp(&b_value.len()).then_with(|| a_value.cmp(&b_value));
            if order != Ordering::Equal {
                return order;
            }
            (a_rest, b_rest) = (&a_rest[a_number.len()..], &b_rest[b_number.len()..]);
            continue;
        }
        let (mut a_chars, mut b_chars) = (a_rest.chars(), b_rest.chars());
        match (a_chars.next(), b_chars.next()) {
            (Some(x), Some(y)) if x == y => (a_rest, b_rest) = (a_chars.as_str(), b_chars.as_str()),
            (None, None) => return a.cmp(b),
            (x, y) => return x.cmp(&y),
        }
    }
}

/// The digits with which a text begins.
fn digits(text: &str) -> &str {
    let end = text.find(|c: char| !c.is_ascii_digit()).unwrap_or(text.len());
    &text[..end]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_star_stops_at_a_slash() {
        for (pattern, path) in [
            ("line_0/location_*/datacapture_0/echogram_0", "/line_0/location_12/datacapture_0/echogram_0"),
            ("/a", "a"),
            ("*", "abc"),
            ("a*c*e", "abcde"),
            ("a*c*e", "accce"),
            ("x*", "x"),
            ("*é*", "caféine"),
        ] {
            assert!(matches(pattern, path), "{pattern} should fit {path}");
        }
        for (pattern, path) in [
            ("*", "a/b"),
            ("a*", "b"),
            ("a*c", "abd"),
            ("", "a"),
            ("a", ""),
            ("a*/c", "a/b/c"),
            ("ab", "abc"),
        ] {
            assert!(!matches(pattern, path), "{pattern} should not fit {path}");
        }
    }

    #[test]
    fn numbers_are_ordered_by_value() {
        let mut names = vec!["t10", "t9", "t1/b2", "t1/b10", "t", "t09", "u1", "t100000000000000000000000"];
        names.sort_by(|a, b| natural_order(a, b));
        assert_eq!(names, ["t", "t1/b2", "t1/b10", "t09", "t9", "t10", "t100000000000000000000000", "u1"]);
    }
}
