//! Why something is not in the disk cache: one table, from which names, words and counters follow.

macro_rules! misses {
    ($($(#[doc = $doc:literal])+ $variant:ident $name:literal $words:literal;)*) => {
        /// Why a look-up found nothing that can be used.
        #[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
        pub enum Miss {
            $($(#[doc = $doc])+ $variant,)*
        }

        impl Miss {
            /// Every reason, in the order of the table.
            pub const ALL: &'static [Miss] = &[$(Miss::$variant),*];

            /// One word.
            pub const fn name(self) -> &'static str {
                match self { $(Miss::$variant => $name,)* }
            }

            /// The reason in words.
            pub const fn words(self) -> &'static str {
                match self { $(Miss::$variant => $words,)* }
            }
        }
    };
}

misses! {
    /// Never stored, or removed since.
    Absent "absent" "nothing is stored for this program, these types, this processor and these settings";
    /// Written by another version.
    OtherVersion "version" "what was stored is from another version of hotloop, and was removed";
    /// Not an entry at all.
    Foreign "foreign" "the file in its place is no entry of the cache, and was removed";
    /// It ends too early.
    Truncated "truncated" "what was stored is not complete, and was removed";
    /// Its checksum does not fit.
    Damaged "damaged" "what was stored is damaged, and was removed";
    /// Another key with the same digest.
    OtherKey "key" "what is stored in its place belongs to another program";
    /// Check mode found other code than compiling gives.
    Differs "differs" "what was stored is not what compiling gives, and was replaced";
    /// The file belongs to, or can be written by, someone else.
    Unsafe "unsafe" "what was stored could be written by others, and was removed unread";
    /// The system cannot read it.
    Unreadable "unreadable" "what is stored cannot be read";
    /// The directory cannot be used; the cache says why.
    Off "off" "the cache is off, since its directory cannot be used";
}

impl std::fmt::Display for Miss {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(self.words())
    }
}
