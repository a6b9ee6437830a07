//! Which source a request belongs to: by its path, over all pipelines.

use std::collections::HashMap;
use std::sync::Arc;

use super::lane::LaneStatus;
use crate::diag::Diag;
use crate::pipeline::Plan;
use crate::source::{Input, Source};

/// A source and the lane its deliveries go to.
#[derive(Clone)]
pub(super) struct Route {
    pub(super) plan: Arc<Plan>,
    pub(super) id: Arc<str>,
    pub(super) source: Arc<dyn Source>,
    pub(super) status: Arc<LaneStatus>,
    path: String,
    below: bool,
}

/// All routes at one moment; replaced as a whole by a reload.
#[derive(Default, Clone)]
pub(super) struct Routes {
    by_path: HashMap<String, Route>,
}

impl Routes {
    /// The routes of the given plans. Paths are free of conflicts: see [`conflicts`].
    pub(super) fn new(lanes: impl IntoIterator<Item = (Arc<Plan>, Arc<LaneStatus>)>) -> Self {
        let mut by_path = HashMap::new();
        for (plan, status) in lanes {
            for part in &plan.sources {
                if let Input::Http { path, below } = part.source.input() {
                    by_path.insert(
                        path.clone(),
                        Route {
                            plan: Arc::clone(&plan),
                            id: Arc::clone(&part.id),
                            source: Arc::clone(&part.source),
                            status: Arc::clone(&status),
                            path,
                            below,
                        },
                    );
                }
            }
        }
        Self { by_path }
    }

    /// The route for a path, and what remains of the path below it.
    pub(super) fn find<'p>(&self, path: &'p str) -> Option<(&Route, &'p str)> {
        let trimmed = path.strip_suffix('/').filter(|path| !path.is_empty()).unwrap_or(path);
        if let Some(route) = self.by_path.get(trimmed) {
            let rest = if route.path == "/" { path } else { &path[trimmed.len()..] };
            return Some((route, rest));
        }
        let mut end = path.len();
        while let Some(slash) = path[..end].rfind('/') {
            let prefix = if slash == 0 { "/" } else { &path[..slash] };
            if let Some(route) = self.by_path.get(prefix).filter(|route| route.below) {
                return Some((route, if slash == 0 { path } else { &path[slash..] }));
            }
            end = slash;
        }
        None
    }
}

/// The paths that a plan's sources listen at.
pub(super) fn paths(plan: &Plan) -> Vec<String> {
    let inputs = plan.sources.iter().map(|part| part.source.input());
    inputs.filter_map(|input| if let Input::Http { path, .. } = input { Some(path) } else { None }).collect()
}

/// Errors for plans whose paths another plan has already; the first by name keeps it.
pub(super) fn conflicts(plans: &[Arc<Plan>]) -> Vec<(Arc<str>, Diag)> {
    let mut taken: HashMap<String, Arc<str>> = HashMap::new();
    let mut found = Vec::new();
    for plan in plans {
        for part in &plan.sources {
            let Input::Http { path, .. } = part.source.input() else { continue };
            match taken.get(&path) {
                Some(first) if *first != plan.name => {
                    let span = plan
                        .spec
                        .sources
                        .iter()
                        .find(|spec| *spec.id == *part.id)
                        .map_or(0..0, |spec| spec.span.clone());
                    let diag = Diag::error("path-taken", format!("the path {path} belongs to the pipeline `{first}`"))
                        .at(&plan.spec.file, span)
                        .help("give this source another `path`");
                    found.push((Arc::clone(&plan.name), diag));
                }
                Some(_) => {}
                None => {
                    taken.insert(path, Arc::clone(&plan.name));
                }
            }
        }
    }
    found
}
