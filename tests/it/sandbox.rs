//! The sandbox, attacked from inside with the real bubblewrap and the real broker: as root and as nobody where the tests are root,
//! else as whoever they are. Nothing is skipped: where no sandbox can be set up, the tests are red.
#![cfg(target_os = "linux")]

mod attacks;
mod ends;
mod limits;
mod missing;
mod rig;
mod tools;
