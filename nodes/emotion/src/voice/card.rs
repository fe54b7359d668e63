//! The model card of a trained classifier.

use super::evaluation::Confusion;
use super::model::CLASSES;
use super::training::TrainingReport;
use std::fmt::Write;

/// The card in Markdown. `listeners` is what people recognised of the same clips, by class.
pub fn model_card(report: &TrainingReport, listeners: &[Option<f64>; CLASSES.len()]) -> String {
    let evaluation = &report.evaluation;
    let summary =
        |confusion: &Confusion| format!("{:.3} | {:.3}", confusion.accuracy(), confusion.average_recall());
    let mut card = format!(
        "# Voice emotion\n\n\
         Hears one of seven emotions in a voice. Trained by `train_voice_emotion` on {} clips of the speakers {} of \
         EMO-DB (Burkhardt et al., Interspeech 2005; CC0), ten German sentences acted in every emotion.\n\n\
         ## How it works\n\
         Log-mel spectrum and pitch every 10 ms, at any sampling rate. A stretch of speech is described relative to \
         its own level by measures of spectrum, cepstral motion, pitch, rhythm, flux, spectral shape and modulation, \
         and by the pooled responses of 400 fixed random filters. Three kernel ridge regressions vote: measures with \
         a Gaussian and with a linear kernel, textures with a Gaussian kernel. Features that differ between speakers \
         of the same emotion weigh less. Each clip is also learnt with 4 dB of random colour, as another microphone \
         and room would give it. The Gaussian kernels keep the standardised training vectors in 8 bits. \
         A temperature of {:.3}, set on kept-out scores, turns the mean score into probabilities.\n\n\
         On the face boredom becomes four fifths neutral and one fifth sad. Where no emotion is likelier than 0.7, \
         `emotion.from_voice` fades towards neutral (its `certainty`).\n\n\
         ## How to train it again\n\
         `cargo xtask train voice-emotion` takes 12 seconds on two cores; the same data gives the same bytes. EMO-DB \
         (emodb.bilderbar.info) lies in the folder that `ESARM_DATA` names (default `../shared/data`): `emodb/audio/03a01Fa.flac` \
         and so on, its recordings as FLAC under their names, and `emodb/erkennung.txt`, what 20 listeners heard in them.\n\n\
         ## How well\n\
         Each speaker was judged by a classifier trained on the others. The shipped weights are trained on all \
         {} speakers and are never measured on them.\n\n\
         | speaker kept out | accuracy | unweighted average recall |\n|---|---|---|\n",
        report.clips,
        report.speakers.join(", "),
        report.temperature,
        report.speakers.len(),
    );
    for (speaker, confusion) in &evaluation.speakers {
        let _ = writeln!(card, "| {speaker} | {} |", summary(confusion));
    }
    let _ = writeln!(card, "| **all clips** | {} |", summary(&evaluation.clips));
    let _ = writeln!(card, "| all clips, recording coloured by 4 dB | {} |", summary(&evaluation.coloured));
    let _ = writeln!(card, "| all windows of 1.8 s | {} |\n", summary(&evaluation.windows));
    let _ = writeln!(card, "Mean probability of the likeliest class: {:.3}.\n", evaluation.confidence);
    card.push_str(&evaluation.clips.table());
    card.push_str("\n| recall | ");
    let _ = writeln!(card, "{} | mean |\n|---|{}", CLASSES.join(" | "), "---|".repeat(CLASSES.len() + 1));
    let row = |values: &[Option<f64>]| {
        let known: Vec<f64> = values.iter().flatten().copied().collect();
        let mean = Some(known.iter().sum::<f64>() / known.len().max(1) as f64);
        values
            .iter()
            .copied()
            .chain([mean])
            .map(|value| value.map_or("-".to_owned(), |value| format!("{value:.2}")))
            .collect::<Vec<_>>()
            .join(" | ")
    };
    let recalls: Vec<Option<f64>> = (0..CLASSES.len()).map(|class| evaluation.clips.recall(class)).collect();
    let _ = writeln!(card, "| this classifier, speaker kept out | {} |", row(&recalls));
    let _ = writeln!(card, "| 20 listeners, the same clips | {} |", row(listeners));
    card.push_str(
        "\n## Limits\n\
         Few, acted, studio recordings in one language; real conversation is milder and mixed. Anger and happiness \
         are confused most, as both are loud, high and fast; disgust is rare in the data and often missed. Sadness \
         was acted quiet and flat: sobbing is heard as anger or disgust. Surprise \
         and contempt are not among the classes. The choice of features and settings was made on the same kept-out \
         figures, which are therefore a little optimistic. Not meant for judging people.\n",
    );
    card
}
