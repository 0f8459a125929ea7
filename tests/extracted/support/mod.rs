//! What the proofs share: the extracted shop, cargo, processes that end, and a small HTTP client.

pub(crate) mod cargo;
pub(crate) mod http;
pub(crate) mod postgres;
pub(crate) mod process;
pub(crate) mod service;
pub(crate) mod shop;
pub(crate) mod tree;

/// Every operation of the shop's `InventoryApi`.
pub(crate) const OPERATIONS: [&str; 14] = [
    "register_supplier",
    "supplier",
    "register_item",
    "find_item",
    "search",
    "set_price",
    "receive",
    "levels",
    "is_available",
    "reserve",
    "commit",
    "release",
    "movements",
    "stock_value",
];
