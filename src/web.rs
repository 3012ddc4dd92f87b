//! Pages of the web as text, and web searches, from public addresses only.
//!
//! This module must never know who asks: what may be asked for is decided before, in [`permission`](crate::permission); that an
//! address is public is checked here, at each name and each redirect.
