//! A kept folder that holds disk, buffers and overlay, for commands to run in.
//!
//! It prevents accidents and is no security boundary: the sandbox is. What a command changes in it is absorbed into the overlay.
