//! Bits of octets, most significant first.

/// The `n` bits (at most 64) that begin at bit `from`.
///
/// # Panics
/// The octets have fewer bits: the caller has taken as many as the table says.
pub(crate) fn read(octets: &[u8], from: usize, n: usize) -> u64 {
    let end = from + n;
    let word =
        octets[from / 8..end.div_ceil(8)].iter().fold(0_u128, |word, &octet| word << 8 | u128::from(octet));
    let word = word >> (end.next_multiple_of(8) - end);
    (word & mask(n)) as u64
}

/// Puts the `n` lowest bits of `value` at bit `from`, where zeros are.
///
/// # Panics
/// As [`read`].
pub(crate) fn write(octets: &mut [u8], from: usize, n: usize, value: u64) {
    let end = from + n;
    let mut word = (u128::from(value) & mask(n)) << (end.next_multiple_of(8) - end);
    for octet in octets[from / 8..end.div_ceil(8)].iter_mut().rev() {
        *octet |= word as u8;
        word >>= 8;
    }
}

fn mask(n: usize) -> u128 {
    (1 << n) - 1
}

#[cfg(test)]
mod tests {
    use super::{read, write};

    #[test]
    fn what_is_written_anywhere_is_read_there() {
        let value = 0xfedc_ba98_7654_3210_u64;
        for from in 0..16 {
            for n in 1..=64 {
                let mut octets = [0; 10];
                write(&mut octets, from, n, value);
                assert_eq!(read(&octets, from, n), value & (u64::MAX >> (64 - n)), "{n} bits at {from}");
                let ones: u32 = octets.iter().map(|octet| octet.count_ones()).sum();
                assert_eq!(ones, (value & (u64::MAX >> (64 - n))).count_ones(), "bits beside {n} at {from}");
            }
        }
    }
}
