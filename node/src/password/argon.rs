//! Argon2id in memory that each thread keeps. Given back and asked for again, blocks of 19 MiB would
//! leave the allocator with several times of what is in use; kept, a thread costs exactly one.

use std::cell::RefCell;

use argon2::password_hash::phc::{Output, ParamsString, PasswordHash, Salt};
use argon2::password_hash::{Error, Result};
use argon2::{ARGON2ID_IDENT, Algorithm, Argon2, Block, Params, Version};

thread_local! {
    static BLOCKS: RefCell<Vec<Block>> = const { RefCell::new(Vec::new()) };
}

/// Hashes with a fresh salt.
pub(super) fn hash(params: &Params, password: &[u8]) -> Result<PasswordHash> {
    let salt = Salt::generate();
    let hash = output(params, Version::default(), password, &salt)?;
    Ok(PasswordHash {
        algorithm: ARGON2ID_IDENT,
        version: Some(Version::default().into()),
        params: ParamsString::try_from(params)?,
        salt: Some(salt),
        hash: Some(hash),
    })
}

/// Whether `stored` is a hash of `password`. The cost is the one of `stored`; what it needs of memory
/// beyond `ours` is given back, since such a hash is rare.
pub(super) fn verify(ours: &Params, stored: &str, password: &[u8]) -> Result<bool> {
    let stored = PasswordHash::new(stored)?;
    if stored.algorithm != ARGON2ID_IDENT {
        return Err(Error::Algorithm);
    }
    let version = stored.version.map(Version::try_from).transpose()?.unwrap_or_default();
    let (Some(salt), Some(expected)) = (&stored.salt, &stored.hash) else {
        return Err(Error::Internal);
    };
    // Outputs are compared in constant time.
    let found = output(&Params::try_from(&stored)?, version, password, salt);
    BLOCKS.with_borrow_mut(|blocks| {
        blocks.truncate(ours.block_count());
        blocks.shrink_to_fit();
    });
    Ok(found? == *expected)
}

fn output(params: &Params, version: Version, password: &[u8], salt: &Salt) -> Result<Output> {
    let mut buffer = [0; Output::MAX_LENGTH];
    let len = params.output_len().unwrap_or(Params::DEFAULT_OUTPUT_LEN);
    let out = buffer.get_mut(..len).ok_or(Error::OutputSize)?;
    let argon2 = Argon2::new(Algorithm::Argon2id, version, params.clone());
    BLOCKS.with_borrow_mut(|blocks| {
        if blocks.len() < params.block_count() {
            blocks.resize(params.block_count(), Block::new());
        }
        let blocks = &mut blocks[..params.block_count()];
        argon2.hash_password_into_with_memory(password, salt, out, blocks)
    })?;
    Output::new(out).map_err(|_| Error::OutputSize)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_hash_that_costs_more_than_ours_leaves_no_memory_behind() {
        let [ours, theirs] = [64, 1_024].map(|memory| Params::new(memory, 1, 1, None).unwrap());
        let mine = hash(&ours, b"open sesame").unwrap().to_string();
        let kept = || BLOCKS.with_borrow(Vec::capacity);
        let before = kept();
        let foreign = hash(&theirs, b"open sesame").unwrap().to_string();
        for (hash, password, right) in
            [(&foreign, "open sesame", true), (&foreign, "wrong", false), (&mine, "wrong", false)]
        {
            assert_eq!(verify(&ours, hash, password.as_bytes()), Ok(right));
            assert_eq!(kept(), before, "{hash}");
        }
    }
}
