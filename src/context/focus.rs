//! The selection, the symbol around it with its signature chain, the problems there.
