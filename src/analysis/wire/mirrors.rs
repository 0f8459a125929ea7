//! Types that contain each other, of which one needs a mirror: those that were decided before it need
//! one as well.

use super::{Decision, Encoding, Form, Instance, all_fields};

impl Decision<'_, '_> {
    /// Gives a mirror to every type that leads back to one that has one, until nothing changes.
    pub(super) fn mirror_what_leads_back(&mut self) {
        while let Some(instance) = self.leads_back() {
            let item = self.code.item(instance.id);
            let fields = all_fields(self.code, &instance);
            let reason = self.needs_more(&fields);
            let Some(mirror) = self.mirror(&item, &fields, reason) else { return };
            self.forms.insert(instance, Form::Mirror(mirror));
        }
    }

    fn leads_back(&self) -> Option<Instance> {
        let plain = self.forms.iter().filter(|(_, form)| !matches!(form, Form::Mirror(_)));
        plain.map(|(instance, _)| instance.clone()).find(|instance| {
            all_fields(self.code, instance)
                .iter()
                .any(|field| !Encoding::of(self.code, &self.forms, &field.ty).is_same())
        })
    }
}
