//! Every act at the calls of every run: none wrong, none harmed.

use std::ffi::OsString;
use std::path::PathBuf;

use crate::acts::{ACTS, Act};
use crate::moments::{Pair, is_chosen, try_pairs};
use crate::scene::{JOBS, Job, Scene, Templates};
use crate::shim::Run;
use crate::verdict::{Before, judge};

struct JobAndAct<'t> {
    job: &'static Job,
    act: &'static Act,
    templates: &'t Templates,
}

impl Pair for JobAndAct<'_> {
    type Scene = (Scene, Before);

    fn name(&self) -> String {
        format!("{}, {}", self.job.name, self.act.name)
    }

    fn prepare(&self) -> Self::Scene {
        let scene = Scene::new(self.job, self.templates);
        let before = Before::of(&scene);
        (scene, before)
    }

    fn command(&self, (scene, _): &Self::Scene) -> (PathBuf, Vec<OsString>) {
        (scene.path().to_owned(), scene.arguments(self.job))
    }

    fn act(&self, (scene, before): &mut Self::Scene) {
        (self.act.act)(scene);
        *before = Before::of(scene);
    }

    fn judge(&self, (scene, before): Self::Scene, run: &Run) -> Result<(), String> {
        judge(scene, &before, run)
    }
}

#[test]
fn another_process_acts_between_any_two_calls() {
    let templates = &Templates::new();
    let pairs: Vec<JobAndAct<'_>> = JOBS
        .iter()
        .filter(|job| is_chosen("LITECOPY_JOB", job.name))
        .flat_map(|job| ACTS.iter().map(move |act| JobAndAct { job, act, templates }))
        .filter(|pair| (pair.act.fits)(pair.job) && is_chosen("LITECOPY_ACT", pair.act.name))
        .collect();
    try_pairs("acts between calls", &pairs);
}
