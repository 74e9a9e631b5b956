//! The canonical form: one text for one meaning, so that it can be signed.
//!
//! JSON by RFC 8785 (JCS): no white space, members in order of their names, numbers as ECMAScript writes a double,
//! strings with the fewest escapes. Any library of JCS makes the same octets.

use serde::Serialize;
use serde::ser::Error as _;
use serde_json::Value;
use std::fmt::Write;

/// The canonical text of a value. Names of members are ASCII here, so that their order by octets is RFC 8785's.
///
/// # Errors
/// The value cannot be JSON, or holds an integer beyond 2⁵³. (JSON makes `null` of a number that is not finite:
/// whoever calls has refused those.)
pub fn canonical<T: Serialize>(value: &T) -> Result<String, serde_json::Error> {
    let mut text = String::new();
    write_value(&serde_json::to_value(value)?, &mut text)?;
    Ok(text)
}

fn write_value(value: &Value, text: &mut String) -> Result<(), serde_json::Error> {
    match value {
        Value::Number(number) => {
            let number = number.as_f64().unwrap_or(f64::NAN);
            let is_exact = number.fract() != 0.0 || number.abs() <= 9_007_199_254_740_992.0 || value.is_f64();
            if !number.is_finite() || !is_exact {
                return Err(serde_json::Error::custom(format!("{value}: no double holds it")));
            }
            write_number(number, text);
        }
        Value::Array(values) => {
            text.push('[');
            for (at, value) in values.iter().enumerate() {
                if at > 0 {
                    text.push(',');
                }
                write_value(value, text)?;
            }
            text.push(']');
        }
        Value::Object(members) => {
            let mut members: Vec<_> = members.iter().collect();
            members.sort_unstable_by_key(|(name, _)| *name);
            text.push('{');
            for (at, (name, value)) in members.into_iter().enumerate() {
                if at > 0 {
                    text.push(',');
                }
                text.push_str(&serde_json::to_string(name)?);
                text.push(':');
                write_value(value, text)?;
            }
            text.push('}');
        }
        Value::Null | Value::Bool(_) | Value::String(_) => text.push_str(&serde_json::to_string(value)?),
    }
    Ok(())
}

/// A finite number as `Number::toString` of ECMAScript has it: the fewest digits that read back the same, of two as
/// near the even one, and an exponent below 1e-6 and from 1e21 on.
fn write_number(number: f64, text: &mut String) {
    if number == 0.0 {
        text.push('0');
        return;
    }
    if number < 0.0 {
        text.push('-');
    }
    let (digits, point) = digits(number.abs());
    let n = digits.len() as i32;
    let _ = match point {
        _ if (n..=21).contains(&point) => write!(text, "{digits}{:0<1$}", "", (point - n) as usize),
        1..=21 => write!(text, "{}.{}", &digits[..point as usize], &digits[point as usize..]),
        -5..=0 => write!(text, "0.{:0<1$}{digits}", "", -point as usize),
        _ if n == 1 => write!(text, "{digits}e{:+}", point - 1),
        _ => write!(text, "{}.{}e{:+}", &digits[..1], &digits[1..], point - 1),
    };
}

/// Digits of a positive number, and how many of them stand before the point. They are `serde_json`'s, which of two
/// as near takes the even one; `format!` does not.
fn digits(number: f64) -> (String, i32) {
    let text = Value::from(number).to_string();
    let (mantissa, exponent) = text.split_once('e').unwrap_or((&text, "0"));
    let (whole, part) = mantissa.split_once('.').unwrap_or((mantissa, ""));
    let all = format!("{whole}{part}");
    let digits = all.trim_start_matches('0');
    let point = whole.len() as i32 - (all.len() - digits.len()) as i32;
    // An exponent of a double is a small integer.
    (digits.trim_end_matches('0').to_owned(), point + exponent.parse::<i32>().unwrap_or(0))
}

#[cfg(test)]
mod tests {
    use super::canonical;
    use serde_json::json;

    #[test]
    fn numbers_are_as_rfc_8785_lists_them() {
        // RFC 8785, appendix B.
        for (bits, expected) in [
            (0x0000_0000_0000_0000, "0"),
            (0x8000_0000_0000_0000, "0"),
            (0x0000_0000_0000_0001, "5e-324"),
            (0x7fef_ffff_ffff_ffff, "1.7976931348623157e+308"),
            (0x4340_0000_0000_0000, "9007199254740992"),
            (0x4430_0000_0000_0000, "295147905179352830000"),
            (0x44b5_2d02_c7e1_4af5, "9.999999999999997e+22"),
            (0x44b5_2d02_c7e1_4af6, "1e+23"),
            (0x444b_1ae4_d6e2_ef4e, "999999999999999700000"),
            (0x444b_1ae4_d6e2_ef50, "1e+21"),
            (0x3eb0_c6f7_a0b5_ed8c, "9.999999999999997e-7"),
            (0x3eb0_c6f7_a0b5_ed8d, "0.000001"),
            (0x41b3_de43_5555_5553, "333333333.3333332"),
            (0xbecb_f647_612f_3696, "-0.0000033333333333333333"),
            (0x4314_3ff3_c1cb_0959, "1424953923781206.2"),
        ] {
            assert_eq!(canonical(&f64::from_bits(bits)).expect("a number"), expected, "{bits:x}");
        }
        assert!(canonical(&u64::MAX).is_err(), "no double holds it");
    }

    #[test]
    fn members_are_in_order_and_strings_have_few_escapes() {
        let value = json!({"b": [1.0, 2, true, null], "a": {"z": "é\u{1}\n\"\\/", "y": 0.5}});
        let expected = "{\"a\":{\"y\":0.5,\"z\":\"é\\u0001\\n\\\"\\\\/\"},\"b\":[1,2,true,null]}";
        assert_eq!(canonical(&value).expect("JSON"), expected);
    }
}
