//! How often each check had something to check: a simulation in which nothing is ever stored finds nothing either.

macro_rules! counts {
    ($($(#[doc = $meaning:literal])+ $name:ident,)+) => {
        /// What happened.
        #[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
        pub struct Counts {
            $($(#[doc = $meaning])+ pub $name: u64,)+
            /// The longest that a request took, in milliseconds.
            pub longest: u64,
            /// The longest that work took after an answer, in milliseconds.
            pub longest_work: u64,
        }

        impl Counts {
            pub fn add(&mut self, other: &Self) {
                $(self.$name += other.$name;)+
                self.longest = self.longest.max(other.longest);
                self.longest_work = self.longest_work.max(other.longest_work);
            }

            /// What never happened.
            pub fn missing(&self) -> Vec<&'static str> {
                let counts = [$((stringify!($name), self.$name)),+];
                counts.iter().filter(|(_, count)| *count == 0).map(|(name, _)| *name).collect()
            }
        }
    };
}

counts! {
    /// Requests, and deeds of the adversary.
    operations,
    /// Requests.
    visits,
    /// Answers that were checked.
    answers,
    /// Of them, those that another request had brought.
    stored,
    /// Of those, for one visitor alone.
    owned,
    /// Of those, past their lifetime.
    stale,
    /// Of those, under way when the visitor came.
    collapsed,
    /// Of those, from another isolate.
    handed_over,
    /// Of those, for a URL that had been purged in the isolate.
    purged,
    /// Of them, in another isolate.
    purged_elsewhere,
    /// Parts.
    partial,
    /// 304s.
    not_modified,
    /// Errors of our own, each while the origin failed.
    errors,
    /// Answers that had to be good, because something servable was in memory.
    servable,
    /// Of them, while the origin failed.
    rescued,
    /// Questions to the origin.
    exchanges,
    /// Unsafe requests that were acknowledged.
    acknowledged,
    /// Purges that were asked for, and acknowledged.
    ordered,
    /// Requests that the adversary ended.
    killed,
    /// Deployments.
    deploys,
}
