//! Where masking keys and handshake keys come from.

/// A source of unpredictable bytes, for masking keys and for the key of the opening handshake.
///
/// > The masking key needs to be unpredictable; thus, the masking key MUST be derived from a strong source of
/// > entropy, and the masking key for a given frame MUST NOT make it simple for a server/proxy to predict the
/// > masking key for a subsequent frame.
/// > ([RFC 6455 section 5.3](https://www.rfc-editor.org/rfc/rfc6455#section-5.3))
///
/// [`SystemEntropy`] is the one to use where there is an operating system. Implement this for a machine without
/// one, with a cryptographically secure generator, and for tests and simulations, with a deterministic one.
pub trait Entropy: Send + Sync {
    /// Overwrites all of `bytes` with unpredictable ones.
    fn fill(&mut self, bytes: &mut [u8]);
}

#[cfg(feature = "std")]
mod system {
    use core::fmt;

    use chacha20::ChaCha12Rng;
    use rand_core::{Rng, SeedableRng};

    use super::Entropy;

    /// ChaCha with 12 rounds, seeded by the operating system: unpredictable, and the cost of the seed spread over
    /// all frames of a connection.
    pub struct SystemEntropy {
        generator: ChaCha12Rng,
    }

    impl SystemEntropy {
        /// A generator with a seed of its own.
        ///
        /// # Panics
        /// Where the operating system gives no random bytes, which leaves nothing secure to do.
        pub fn new() -> Self {
            let mut seed = [0; 32];
            getrandom::fill(&mut seed).expect("the operating system has random bytes for a seed");
            Self { generator: ChaCha12Rng::from_seed(seed) }
        }
    }

    impl Default for SystemEntropy {
        fn default() -> Self {
            Self::new()
        }
    }

    impl Entropy for SystemEntropy {
        fn fill(&mut self, bytes: &mut [u8]) {
            self.generator.fill_bytes(bytes);
        }
    }

    impl fmt::Debug for SystemEntropy {
        fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
            f.write_str("SystemEntropy")
        }
    }
}

#[cfg(feature = "std")]
pub use system::SystemEntropy;
