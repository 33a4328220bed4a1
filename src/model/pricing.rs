//! The price list: what the lines of a manifest get that they do not say themselves.
//!
//! Owns: after it every line has its pictures, and a layout line says what its quantity counts.

use super::limits::PLAN_MAX_OUTPUTS;
use super::manifest::{Action, Line, Manifest, QuantityUnit};
use super::name::quoted;
use super::rule::Item;

/// Completes every line by the first item that matches its code. All problems at once, one line each; the manifest is
/// refused for them. To be called once for each manifest, also where there is no price list.
pub fn apply_items(manifest: &mut Manifest, items: &[Item]) -> Result<(), String> {
    let image_count = manifest.images.len();
    // What is never made cannot be wrong: an estimate is skipped, not refused.
    let is_made = manifest.action != Action::Cancel && !manifest.is_never_rendered();
    let mut wrong = Vec::new();
    let mut pictures = 0_usize;
    for line in &mut manifest.lines {
        if let Some(item) = items.iter().find(|item| item.matcher.matches_optional(line.item.as_deref())) {
            complete(line, item);
        }
        if !line.slots.is_empty() {
            // One picture for each opening fills a sheet; there is nothing to divide.
            line.unit = line.unit.or(Some(QuantityUnit::Sheet));
        }
        if is_made && line.render {
            wrong.extend(check(line).map(|why| format!("line {}: {why}", line.line)));
        }
        pictures += if line.all_images { image_count } else { line.images.len() };
        if pictures > PLAN_MAX_OUTPUTS {
            wrong.push(format!("the lines name more than {PLAN_MAX_OUTPUTS} pictures together"));
            break;
        }
        if line.all_images {
            line.images = (0..image_count).collect();
        }
    }
    if wrong.is_empty() { Ok(()) } else { Err(wrong.join("\n")) }
}

fn complete(line: &mut Line, item: &Item) {
    line.size = line.size.or(item.size);
    line.unit = line.unit.or(item.unit);
    line.fit = line.fit.or(item.fit);
    for (own, given) in
        [(&mut line.layout, &item.layout), (&mut line.paper, &item.paper), (&mut line.vendor, &item.vendor)]
    {
        if own.is_none() {
            own.clone_from(given);
        }
    }
    if line.images.is_empty() && line.slots.is_empty() {
        line.all_images |= item.all_images;
    }
    line.run.clone_from(&item.run);
    line.render = item.render;
}

/// What no plan could be made of.
fn check(line: &Line) -> Option<String> {
    let Some(layout) = &line.layout else {
        let why = "`slots` are the openings of a layout, but neither the line nor the price list names one";
        return (!line.slots.is_empty()).then(|| why.to_string());
    };
    if line.all_images || line.images.len() > 1 {
        let why = "takes one `image` for all its openings, or `slots`, one for each; it cannot take `images`";
        return Some(format!("the layout {} {why}", quoted(layout)));
    }
    if line.unit.is_none() && !line.images.is_empty() {
        let why = "`unit` is missing: a quantity of a layout counts `piece` or `sheet`, and neither the line nor the \
                   price list says which";
        return Some(format!("{why} (layout {}, quantity {})", quoted(layout), line.quantity));
    }
    None
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::super::globs::Globs;
    use super::super::manifest::{Fit, read};
    use super::super::units::Dimensions;
    use super::*;

    fn manifest(images: &Value, lines: &Value) -> Manifest {
        let text =
            json!({ "manifest": 1, "kind": "invoice", "record": 1, "images": images, "lines": lines }).to_string();
        read(text.as_bytes(), "a.json").unwrap().manifest
    }

    fn item(pattern: &str) -> Item {
        Item {
            pattern: pattern.into(),
            matcher: Globs::new(vec![pattern.into()]).unwrap(),
            size: None,
            layout: None,
            unit: None,
            paper: None,
            fit: None,
            all_images: false,
            vendor: None,
            run: None,
            render: true,
        }
    }

    #[test]
    fn the_first_item_that_matches_fills_what_a_line_leaves_out() {
        let size = |text| Some(Dimensions::parse(text).unwrap());
        let (paper, vendor) = (Some("matte".to_string()), Some("MPix".to_string()));
        let first = Item { size: size("8x10in"), paper: paper.clone(), vendor, fit: Some(Fit::Pad), ..item("8x*") };
        let items = [first, Item { size: size("5x7in"), ..item("*") }];
        let lines = json!([
            { "item": " 8X10 ", "image": 7 },
            { "item": "8X10", "image": 7, "size": "10x8in", "paper": "lustre", "vendor": "own", "fit": "fill" },
            { "item": "5X7", "image": 7 },
            { "image": 7 },
        ]);
        let mut manifest = manifest(&json!([]), &lines);
        apply_items(&mut manifest, &items).unwrap();
        let [a, b, c, d] = &manifest.lines[..] else { panic!() };
        assert_eq!(
            (a.size, a.fit, &a.paper, a.vendor.as_deref()),
            (size("8x10in"), Some(Fit::Pad), &paper, Some("MPix"))
        );
        assert_eq!((b.size, b.fit), (size("10x8in"), Some(Fit::Fill)));
        assert_eq!((b.paper.as_deref(), b.vendor.as_deref()), (Some("lustre"), Some("own")));
        assert_eq!((c.size, d.size), (size("5x7in"), None), "a line without an item matches nothing");
    }

    #[test]
    fn all_images_are_those_of_the_manifest_and_of_its_lines() {
        let digital = Item { all_images: true, run: Some(vec!["web".into()]), ..item("DIGI*") };
        let lines = json!([{ "item": "DIGI" }, { "item": "DIGI", "image": 9 }, { "images": "all" }, { "image": 8 }]);
        let mut manifest = manifest(&json!([{ "number": 7 }]), &lines);
        apply_items(&mut manifest, &[digital]).unwrap();
        let images: Vec<_> = manifest.lines.iter().map(|l| l.images.clone()).collect();
        assert_eq!(images, [vec![0, 1, 2], vec![1], vec![0, 1, 2], vec![2]]);
        assert_eq!(manifest.lines[0].run, Some(vec!["web".to_string()]));
        assert_eq!(manifest.lines[2].run, None);
    }

    #[test]
    fn a_layout_line_says_what_it_counts() {
        let layout = |name: &str| Some(name.to_string());
        let items = [
            Item { layout: layout("wallets-8"), unit: Some(QuantityUnit::Piece), ..item("WALLET*") },
            Item { layout: layout("panel-3"), ..item("PANEL*") },
        ];
        let lines = json!([
            { "item": "WALLET", "image": 7, "quantity": 16 },
            { "item": "PANEL3", "slots": [{ "image": 7 }] },
            { "item": "PANEL3", "image": 7 },
            { "item": "PANEL3", "images": [7, 8] },
            { "item": "OTHER", "slots": [{ "image": 7 }] },
            { "item": "PANEL3" },
        ]);
        let mut manifest = manifest(&json!([]), &lines);
        let told = apply_items(&mut manifest, &items).unwrap_err();
        let starts: Vec<&str> = told.lines().map(|line| line.split(';').next().unwrap_or_default()).collect();
        assert_eq!(starts.len(), 3, "{told}");
        assert!(starts[0].starts_with("line 3: `unit` is missing") && starts[0].contains("`panel-3`, quantity 1"));
        assert!(starts[1].starts_with("line 4: the layout `panel-3` takes one `image`"));
        assert!(starts[2].starts_with("line 5: `slots` are the openings of a layout"));
        let units: Vec<_> = manifest.lines.iter().map(|l| l.unit).collect();
        assert_eq!(units[..2], [Some(QuantityUnit::Piece), Some(QuantityUnit::Sheet)]);
    }

    #[test]
    fn what_is_never_made_is_not_refused() {
        let lines = json!([{ "item": "FRAME", "layout": "x", "image": 7 }]);
        let mut frames = manifest(&json!([]), &lines);
        apply_items(&mut frames, &[Item { render: false, ..item("FRAME*") }]).unwrap();
        assert!(!frames.lines[0].render);
        let mut estimate = manifest(&json!([]), &lines);
        assert!(apply_items(&mut estimate.clone(), &[]).is_err());
        estimate.r#type = Some("Estimate".into());
        apply_items(&mut estimate, &[]).unwrap();
    }

    #[test]
    fn no_order_names_more_pictures_than_a_plan_takes() {
        let images: Vec<Value> = (0..20_000).map(|n| json!({ "number": n })).collect();
        let lines: Vec<Value> = (0..20_000).map(|_| json!({ "images": "all" })).collect();
        let mut manifest = manifest(&images.into(), &lines.into());
        assert!(apply_items(&mut manifest, &[]).unwrap_err().contains("more than 100000 pictures"));
    }
}
