//! UNDERSTAND: the module, its interface, what crosses the boundary. Pure: a snapshot in, values and
//! diagnostics out.

pub mod code;
pub mod comments;
pub mod composition;
pub mod contract;
pub mod declared;
pub mod doctests;
mod further;
pub mod hazards;
pub mod included;
pub mod interface;
pub mod leads;
pub mod literals;
pub mod module;
pub mod parts;
pub mod ports;
pub mod references;
pub mod schema;
pub mod select;
pub mod sql;
pub mod still_read;
pub mod trait_form;
pub mod types;
pub mod uncarriable;
mod unread;
pub mod wire;

#[cfg(test)]
pub(crate) mod testing;
