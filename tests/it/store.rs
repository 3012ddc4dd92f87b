//! What outlives the process: the ledger, a disk that fails, a process that is killed, a server that starts again.

mod failing;
mod killed;
mod ledger;
mod restart;
mod traces;
