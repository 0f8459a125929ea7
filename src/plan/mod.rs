//! DECIDE: names, routes, what crosses in which form; a plan without a line of text yet.

mod dependency;
mod environment;
mod extraction;
pub mod features;
mod house_style;
mod names;
mod one_or_several;
mod paths;
mod record;
pub mod samples;
pub mod schema;
mod service;
mod setting;

pub use dependency::{Dependency, Source};
pub use environment::Environment;
pub use extraction::ExtractionPlan;
pub use house_style::{HouseStyle, edition};
pub use names::Names;
pub use paths::relative;
pub use record::{RECORD, Record};
pub use service::{
    ArgumentPlan, ConstructionPlan, DatabasePlan, Holder, LinkPlan, Origin, ServicePlan,
    SettingPlan,
};
pub use setting::Setting;
