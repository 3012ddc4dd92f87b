//! What may be done unasked: rules, command lines and addresses as values.
//!
//! `deny` > `ask` > `allow`, on acts that were parsed strictly; what can not be parsed is asked. This module must never know who
//! asks the user or how an act is carried out.
