//! The way from one service to the others.
//!
//! Services call each other in circles: an execution publishes to a topic, a rule starts an execution. So each is
//! made with a link, and the links are tied when the endpoint is ready. An endpoint that only shows its state never
//! ties them: it delivers nothing and its schedules stand still.

use std::sync::{Arc, Weak};

use tokio::sync::SetOnce;

use crate::services::Services;

/// A way to all services of the endpoint. Cheap to clone.
#[derive(Debug, Clone, Default)]
pub(crate) struct Link(Arc<SetOnce<Weak<Services>>>);

impl Link {
    /// Waits until the link is tied.
    pub(crate) async fn tied(&self) {
        self.0.wait().await;
    }

    /// A tied link without services, for tests of what needs none.
    #[cfg(test)]
    pub(crate) fn tied_to_nothing() -> Self {
        Self(Arc::new(SetOnce::new_with(Some(Weak::new()))))
    }

    /// Ties the link. Only the first time counts.
    pub(crate) fn tie(&self, services: &Arc<Services>) {
        let _ = self.0.set(Arc::downgrade(services));
    }

    /// The services, as soon as they are there; none when the endpoint is gone.
    pub(crate) async fn services(&self) -> Option<Arc<Services>> {
        self.0.wait().await.upgrade()
    }
}
