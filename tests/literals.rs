//! Literals that the shop's own tests hand to a guarded type's constructor, and count on.

use calve::analysis::code::Code;
use calve::analysis::{literals, module, wire::Form};
use calve::diagnostic::Diagnostics;
use calve::workspace;

#[test]
fn what_the_shop_accepts_is_found_and_what_it_rejects_is_not() {
    let shop = workspace::load("fixtures/shop/Cargo.toml".into()).unwrap();
    let code = Code::new(&shop);
    let module =
        module::analyze(&code, "inventory", &[], None, &mut Diagnostics::default()).unwrap();
    let guarded = module.wire.forms.iter().find_map(|(instance, form)| match form {
        Form::Guarded(constructor) => Some((instance.id, constructor)),
        _ => None,
    });
    let (sku, constructor) = guarded.unwrap();
    let found = literals::accepted(&code, sku, constructor);
    let found: Vec<String> = found.iter().map(ToString::to_string).collect();
    // Through a loop, a helper of the same file, and directly; `"mug-01"` is expected to fail.
    assert!(found.contains(&r#""A1-B2-C3""#.to_owned()), "{found:?}");
    assert!(found.contains(&r#""TEA-01""#.to_owned()), "{found:?}");
    assert!(found.iter().all(|text| *text == text.to_uppercase()), "{found:?}");
}
