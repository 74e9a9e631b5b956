//! SigMF and raw recordings: what is written is read, what others write is read, what is wrong is said.

mod bad_input;
mod common;
mod describe;
mod formats;
mod others;
mod real;
mod write;
