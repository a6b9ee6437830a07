//! The outside of a case: answers from its list, in the place of a network.

use std::sync::Arc;

use serde_json::Value;

use super::compare::matches;
use crate::lookup::{Answer, Answers, Lookup, ROUNDS_MAX};

/// An answer of a fixture's `http` list.
#[derive(Debug, Clone, PartialEq)]
pub struct Canned {
    /// Upper-case method.
    pub method: String,
    /// The whole address.
    pub url: String,
    /// What the request's body must hold, if the list says so.
    pub sends: Option<Value>,
    /// What comes back.
    pub answer: Answer,
}

impl Canned {
    /// Whether it answers that lookup.
    pub fn is_for(&self, lookup: &Lookup) -> bool {
        let asked = self.method == lookup.method && self.url == lookup.url;
        asked
            && self.sends.as_ref().is_none_or(|want| {
                serde_json::from_slice::<Value>(&lookup.body).is_ok_and(|sent| matches(want, &sent, false))
            })
    }
}

/// The list of a case, and what of it has been given out.
pub(super) struct Outside<'a> {
    list: &'a [Canned],
    used: Vec<bool>,
}

impl<'a> Outside<'a> {
    pub(super) fn new(list: &'a [Canned]) -> Self {
        Self { list, used: vec![false; list.len()] }
    }

    /// Answers what a run needs. The error says what nobody answers.
    pub(super) fn answer(&mut self, needs: &[Lookup], answers: &mut Answers, round: usize) -> Result<(), String> {
        answers.exhausted = round >= ROUNDS_MAX;
        for lookup in needs {
            let key = lookup.key();
            // Two events may ask the same.
            if answers.get(&key).is_some() {
                continue;
            }
            let fitting = || (0..self.list.len()).filter(|at| self.list[*at].is_for(lookup));
            let Some(at) = fitting().find(|at| !self.used[*at]).or_else(|| fitting().last()) else {
                let with = if lookup.body.is_empty() {
                    String::new()
                } else {
                    format!(" with {}", String::from_utf8_lossy(&lookup.body))
                };
                return Err(format!("nothing under `http` answers {} {}{with}", lookup.method, lookup.url));
            };
            self.used[at] = true;
            answers.put(key, Arc::new(self.list[at].answer.clone()));
        }
        Ok(())
    }
}
