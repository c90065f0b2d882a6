//! Links the records of a FEBRL file and measures the result:
//!
//!     cargo run --release -p domain --example linkage -- [--weights] [FILE.csv [SECOND.csv]]
//!
//! Without a file it takes the bundled FEBRL 1. One file is searched for duplicates; two files are linked with each
//! other. The weights are estimated from the records themselves; `rec_id` is used for the measuring only.
//! `--weights` prints the estimated model as TOML.

#![allow(clippy::print_stdout, reason = "a program whose output is its result")]

use std::{error::Error, fs, time::Instant};

use domain::matching::{
    FEBRL_1, FEBRL_SPEC, Linker, Spec, Table, Verdict,
    evaluate::{Quality, febrl_person, true_pairs},
    link::Scope,
};

fn main() -> Result<(), Box<dyn Error>> {
    let (flags, files): (Vec<String>, Vec<String>) =
        std::env::args().skip(1).partition(|a| a.starts_with("--"));
    if files.len() > 2 || flags.iter().any(|flag| flag != "--weights") {
        return Err("usage: linkage [--weights] [FILE.csv [SECOND.csv]]".into());
    }
    let started = Instant::now();
    let (table, scope) = read(&files)?;
    let spec = Spec::from_toml(FEBRL_SPEC)?;
    let ids = table.column("rec_id").ok_or("the file has no column rec_id")?;
    let labels: Vec<&str> = (0..table.len()).map(|row| febrl_person(table.cell(row, ids))).collect();

    let linker = Linker::new(&table, &spec, scope);
    let candidates = linker.candidates();
    let estimate = linker.estimate(&candidates)?;
    let same = linker.score(&estimate.model, &candidates).filter(|scored| scored.verdict == Verdict::Same);
    let found: Vec<_> = same.map(|scored| scored.pair).collect();
    let elapsed = started.elapsed();

    if flags.iter().any(|flag| flag == "--weights") {
        println!("{}", estimate.model.to_toml());
    }
    let blocked = Quality::measure(&labels, scope, candidates.iter().copied());
    let quality = Quality::measure(&labels, scope, found);
    println!("records        {}", table.len());
    println!("true pairs     {}", true_pairs(&labels, scope));
    println!(
        "candidates     {} of {:.0} pairs, with {:.4} of the true ones",
        candidates.len(),
        scope.pairs(table.len()),
        blocked.recall()
    );
    let end = if estimate.converged { "converged" } else { "did NOT converge" };
    println!(
        "EM             {end} after {} iterations, {:.1} matches expected",
        estimate.iterations, estimate.matches
    );
    println!("found          {} right, {} wrong, {} missed", quality.hits, quality.wrong, quality.missed);
    println!("precision      {:.4}", quality.precision());
    println!("recall         {:.4}", quality.recall());
    println!("F1             {:.4}", quality.f1());
    println!("time           {:.2} s", elapsed.as_secs_f64());
    Ok(())
}

/// The files as one table. Two files must have the same columns in the same order.
fn read(files: &[String]) -> Result<(Table, Scope), Box<dyn Error>> {
    let load = |file: &String| fs::read_to_string(file).map_err(|error| format!("{file}: {error}"));
    Ok(match files {
        [] => (Table::from_csv(FEBRL_1)?, Scope::Within),
        [one] => (Table::from_csv(&load(one)?)?, Scope::Within),
        [first, second, ..] => {
            let (first, second) = (load(first)?, load(second)?);
            let rows = Table::from_csv(&first)?.len();
            let body = second.split_once('\n').map_or("", |(_, body)| body);
            let both = format!("{}\n{body}", first.trim_end());
            (Table::from_csv(&both)?, Scope::Between(rows))
        }
    })
}
