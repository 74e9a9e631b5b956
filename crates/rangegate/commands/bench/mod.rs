//! `bench`: the program measures itself.

mod accuracy;

pub use accuracy::accuracy;
