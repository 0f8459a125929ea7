//! The plan as the record has it: of one implementation all at one level, of several a table each.

use serde::{Deserialize, Serialize};

use super::{
    ArgumentPlan, ConstructionPlan, DatabasePlan, Holder, LinkPlan, ServicePlan, is_false,
};

#[derive(Serialize, Deserialize)]
#[serde(untagged)]
pub(super) enum Service {
    One(Box<One>),
    Several(Several),
}

#[derive(Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub(super) struct One {
    constructor: String,
    #[serde(default, skip_serializing_if = "is_false")]
    literal: bool,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    chain: Vec<LinkPlan>,
    #[serde(default, skip_serializing_if = "is_false")]
    awaited: bool,
    #[serde(default, skip_serializing_if = "is_false")]
    fallible: bool,
    #[serde(default, skip_serializing_if = "Holder::is_bare")]
    returns: Holder,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    database: Option<DatabasePlan>,
    #[serde(default, rename = "argument", skip_serializing_if = "Vec::is_empty")]
    arguments: Vec<ArgumentPlan>,
}

#[derive(Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub(super) struct Several {
    #[serde(default, skip_serializing_if = "Option::is_none")]
    database: Option<DatabasePlan>,
    #[serde(rename = "construction")]
    constructions: Vec<ConstructionPlan>,
}

impl From<ServicePlan> for Service {
    fn from(ServicePlan { database, constructions }: ServicePlan) -> Self {
        match <[ConstructionPlan; 1]>::try_from(constructions) {
            Ok([only]) => {
                let ConstructionPlan { constructor, literal, chain, awaited, .. } = only;
                let ConstructionPlan { fallible, returns, arguments, .. } = only;
                Self::One(Box::new(One {
                    constructor,
                    literal,
                    chain,
                    awaited,
                    fallible,
                    returns,
                    database,
                    arguments,
                }))
            }
            Err(constructions) => Self::Several(Several { database, constructions }),
        }
    }
}

impl From<Service> for ServicePlan {
    fn from(service: Service) -> Self {
        match service {
            Service::One(one) => {
                let One { constructor, literal, chain, awaited, fallible, .. } = *one;
                let One { returns, database, arguments, .. } = *one;
                let traits = Vec::new();
                let only = ConstructionPlan {
                    traits,
                    constructor,
                    literal,
                    chain,
                    awaited,
                    fallible,
                    returns,
                    arguments,
                };
                Self { database, constructions: vec![only] }
            }
            Service::Several(Several { database, constructions }) => {
                Self { database, constructions }
            }
        }
    }
}
