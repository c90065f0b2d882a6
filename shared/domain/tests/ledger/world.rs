//! The world, and what can happen in it.

use domain::{
    Code,
    effect::{After, Begin, EffectResult, Role, SearchResult, Ticket, Told},
};

use crate::{
    act::Act,
    ehr::{Flight, Thing},
    laws::Broken,
    setup::Setup,
    store::Store,
    time::NOW,
    worker::{Job, Lease, Worker},
};

#[derive(Debug, Clone)]
pub(crate) struct World {
    pub(crate) store: Store,
    /// Of each submission, how many deliveries wait.
    pub(crate) queue: Vec<u8>,
    /// Of each submission, whether a person is to decide.
    pub(crate) held: Vec<bool>,
    pub(crate) workers: Vec<Worker>,
    pub(crate) ehr: Vec<Thing>,
    /// Requests that nobody waits for any more.
    pub(crate) flights: Vec<Flight>,
    /// How many things may still go wrong.
    pub(crate) faults: u8,
}

impl World {
    pub(crate) fn new(setup: &Setup, faults: u8) -> Self {
        Self {
            store: Store::default(),
            queue: vec![1; setup.plans.len()],
            held: vec![false; setup.plans.len()],
            workers: vec![Worker::Idle; setup.workers],
            ehr: setup.things(),
            flights: Vec::new(),
            faults,
        }
    }

    /// Lets something happen that [`World::acts`](crate::act) lists.
    pub(crate) fn act(&mut self, setup: &Setup, act: Act) -> Result<(), Broken> {
        if self.is_fault(act) {
            self.faults -= 1;
        }
        match act {
            Act::Take { worker, submission } => {
                self.queue[submission] -= 1;
                self.begin(setup, worker, Job { submission, step: 0 })?;
            }
            Act::TakeAndDie { submission } => self.commit_only(setup, Job { submission, step: 0 })?,
            Act::GoOn { worker } => {
                if let Worker::Next(job) = self.workers[worker] {
                    self.begin(setup, worker, job)?;
                }
            }
            Act::GoOnAndDie { worker } => {
                if let Worker::Next(job) = self.workers[worker] {
                    self.commit_only(setup, job)?;
                    self.put_back(worker, job);
                }
            }
            Act::Send { worker } => self.send(setup, worker)?,
            Act::NotSent { worker } => self.answer(worker, EffectResult::NotSent),
            Act::Refuse { worker } => self.answer(worker, EffectResult::Rejected { code: Code::EhrRejected }),
            Act::Land { worker } => {
                if let Some(flight) = self.workers[worker].flight().copied() {
                    let said = self.ehr[flight.thing].land(&flight, setup.class, setup.ticks.lag)?;
                    self.answer(worker, said);
                }
            }
            Act::GiveUp { worker } => {
                self.flights.extend(self.workers[worker].flight());
                self.answer(worker, EffectResult::Unknown);
            }
            Act::Stray { flight } => {
                let flight = self.flights.swap_remove(flight);
                self.ehr[flight.thing].land(&flight, setup.class, setup.ticks.lag)?;
            }
            Act::Tell { worker } => self.tell(setup, worker)?,
            Act::TellUnheard { worker } => {
                if let Worker::Wrote(_, lease, said) = &self.workers[worker] {
                    self.store.settle(setup, &self.ehr, &lease.told(said))?;
                }
            }
            Act::Die { worker } => {
                self.flights.extend(self.workers[worker].flight());
                if let Worker::Waiting(job, ..) | Worker::Wrote(job, ..) = self.workers[worker] {
                    self.put_back(worker, job);
                }
            }
            Act::Duplicate { submission } => self.queue[submission] += 1,
            Act::Decide { submission } => self.decide(setup, submission)?,
            Act::Show { thing } => self.ehr[thing].show(),
            Act::Tick => self.tick(setup),
        }
        if self.quiet() { self.check_ends(setup) } else { Ok(()) }
    }

    /// Asks for the right to write; the answer arrives.
    fn begin(&mut self, setup: &Setup, worker: usize, job: Job) -> Result<(), Broken> {
        match self.ask(setup, job)? {
            Begin::Go(permit) => self.workers[worker] = Worker::Holding(job, Lease::from(permit)),
            Begin::Done(_) => self.step_done(setup, worker, job),
            Begin::Nothing => return Err(Broken::NothingToDo),
            Begin::Resolve(ticket) => {
                let told = Told::searched(&ticket, self.search(setup, job, &ticket));
                self.workers[worker] = Worker::Searched(job, told);
                // The writer would wait, but the ledger does not rely on it: who searches too early tells it at once.
                if ticket.not_before > NOW {
                    self.tell(setup, worker)?;
                }
            }
            Begin::Wait { .. } => self.put_back(worker, job),
            Begin::Parked | Begin::Conflict => self.hold(worker, job),
            Begin::Rejected { .. } => self.workers[worker] = Worker::Idle,
        }
        Ok(())
    }

    /// It is committed, and nobody learns of it.
    fn commit_only(&mut self, setup: &Setup, job: Job) -> Result<(), Broken> {
        self.ask(setup, job).map(drop)
    }

    fn ask(&mut self, setup: &Setup, job: Job) -> Result<Begin, Broken> {
        let step = &setup.plans[job.submission][job.step];
        self.store.begin(setup, &self.ehr, step)
    }

    fn send(&mut self, setup: &Setup, worker: usize) -> Result<(), Broken> {
        let Worker::Holding(job, lease) = &self.workers[worker] else { return Ok(()) };
        if lease.until <= NOW {
            self.answer(worker, EffectResult::NotSent);
            return Ok(());
        }
        if self.store.op(lease.of.op()).is_none_or(|op| op.attempts < lease.token.0) {
            return Err(Broken::NoIntent);
        }
        let (job, role) = (*job, lease.role);
        let thing = setup.plans[job.submission][job.step].thing;
        let known = lease.resource.as_ref().and_then(|resource| resource.version.as_ref());
        // Without a version the writer reads first, and changes what it has read.
        let version = known.map_or(self.ehr[thing].writes.len(), |version| version.parse().unwrap());
        let left = setup.ticks.lateness - 1;
        let flight = Flight { thing, submission: job.submission, role, version, left };
        self.workers[worker] = Worker::Waiting(job, lease.clone(), flight);
        Ok(())
    }

    /// The worker knows what came of its write.
    fn answer(&mut self, worker: usize, said: EffectResult) {
        if let Worker::Holding(job, lease) | Worker::Waiting(job, lease, _) = &self.workers[worker] {
            self.workers[worker] = Worker::Wrote(*job, lease.clone(), said);
        }
    }

    /// What the EHR shows now.
    fn search(&self, setup: &Setup, job: Job, ticket: &Ticket) -> SearchResult {
        let thing = setup.plans[job.submission][job.step].thing;
        match self.ehr[thing].shown() {
            // The resource of an update is there in any case: it is found where the searcher's own content is.
            Some((by, _)) if ticket.role == Role::Update && by != job.submission => {
                SearchResult::Nothing { began: NOW }
            }
            Some((_, resource)) => SearchResult::Found(resource),
            None => SearchResult::Nothing { began: NOW },
        }
    }

    /// Says what came of a write or a search; the answer arrives.
    fn tell(&mut self, setup: &Setup, worker: usize) -> Result<(), Broken> {
        let (job, told) = match &self.workers[worker] {
            Worker::Wrote(job, lease, said) => (*job, lease.told(said)),
            Worker::Searched(job, told) => (*job, told.clone()),
            _ => return Ok(()),
        };
        let wish = &setup.plans[job.submission][job.step].wish;
        let own = self.store.op(told.of.op()).is_some_and(|op| op.admission == wish.admission);
        match self.store.settle(setup, &self.ehr, &told)? {
            After::Done(_) if own => self.step_done(setup, worker, job),
            After::Rejected { .. } if own => self.workers[worker] = Worker::Idle,
            After::Conflict | After::Parked if own => self.hold(worker, job),
            // It begins again at once, or later: whoever takes it next.
            _ => self.put_back(worker, job),
        }
        Ok(())
    }

    fn step_done(&mut self, setup: &Setup, worker: usize, job: Job) {
        let next = Job { step: job.step + 1, ..job };
        let more = next.step < setup.plans[job.submission].len();
        self.workers[worker] = if more { Worker::Next(next) } else { Worker::Idle };
    }

    fn hold(&mut self, worker: usize, job: Job) {
        self.held[job.submission] = true;
        self.workers[worker] = Worker::Idle;
    }

    /// A person looks when nothing of the submission is on its way to the EHR.
    pub(crate) fn can_be_decided(&self, submission: usize) -> bool {
        let mut flights = self.flights.iter().chain(self.workers.iter().filter_map(Worker::flight));
        self.held[submission] && flights.all(|flight| flight.submission != submission)
    }

    fn decide(&mut self, setup: &Setup, submission: usize) -> Result<(), Broken> {
        let flights = self.flights.iter().chain(self.workers.iter().filter_map(Worker::flight));
        let busy: Vec<usize> = flights.map(|flight| flight.submission).collect();
        for step in &setup.plans[submission] {
            self.store.hear(setup, &self.ehr, step, |about| busy.contains(&about))?;
        }
        self.held[submission] = false;
        self.queue[submission] += 1;
        Ok(())
    }

    fn put_back(&mut self, worker: usize, job: Job) {
        self.queue[job.submission] += 1;
        self.workers[worker] = Worker::Idle;
    }
}
