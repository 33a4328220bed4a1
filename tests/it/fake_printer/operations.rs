//! What each operation does, and its answer.

use std::collections::BTreeMap;
use std::time::Instant;

use ipp::IppHeader;
use ipp::attribute::{IppAttribute, IppAttributeGroup, IppAttributes};
use ipp::model::{DelimiterTag, IppVersion};
use ipp::value::{IppName, IppValue};

use super::jobs::{FakeJob, FakeState};
use super::{Operation, State};

pub(super) struct Request {
    pub(super) header: IppHeader,
    pub(super) attributes: IppAttributes,
    pub(super) document: Vec<u8>,
}

impl Request {
    fn value(&self, group: DelimiterTag, name: &str) -> Option<&IppValue> {
        self.attributes.groups_of(group).find_map(|g| g.get(name)).map(IppAttribute::value)
    }

    fn operation_value(&self, name: &str) -> Option<&IppValue> {
        self.value(DelimiterTag::OperationAttributes, name)
    }

    fn text(&self, name: &str) -> String {
        match self.operation_value(name) {
            Some(IppValue::NameWithoutLanguage(text) | IppValue::Keyword(text)) => text.to_string(),
            other => panic!("{name}: {other:?}"),
        }
    }

    fn job_id(&self) -> i32 {
        match self.operation_value("job-id") {
            Some(IppValue::Integer(id)) => *id,
            other => panic!("job-id: {other:?}"),
        }
    }
}

const NOT_POSSIBLE: u16 = 0x0404;
const NOT_FOUND: u16 = 0x0406;
const SETTINGS_NOT_SUPPORTED: u16 = 0x040b;
const OPERATION_NOT_SUPPORTED: u16 = 0x0501;
const NOT_ACCEPTING_JOBS: u16 = 0x0506;
const BUSY: u16 = 0x0507;

/// Those that the program has a use for.
pub(super) fn operation(number: i16) -> Operation {
    let known = [
        Operation::PrintJob,
        Operation::CreateJob,
        Operation::SendDocument,
        Operation::CancelJob,
        Operation::GetJobAttributes,
        Operation::GetJobs,
        Operation::GetPrinterAttributes,
    ];
    known.into_iter().find(|known| *known as i16 == number).unwrap_or_else(|| panic!("unknown operation {number:#x}"))
}

type Attribute = (&'static str, IppValue);

/// Carries a request out. `was_cut`: its document did not come to an end.
pub(super) fn answer(state: &mut State, request: Request, was_cut: bool) -> Vec<u8> {
    state.advance();
    let operation = operation(request.header.operation_or_status);
    let bytes = match operation {
        Operation::GetPrinterAttributes => {
            let asked: Vec<Attribute> = facts(state);
            let mut bytes = bytes(0, None, &[(DelimiterTag::PrinterAttributes, asked)]);
            let odd = &state.behaviour.odd_attributes;
            let end = bytes.len() - 1;
            bytes.splice(end..end, odd.iter().copied());
            bytes
        }
        Operation::CreateJob if !state.behaviour.has_create_job => refusal(OPERATION_NOT_SUPPORTED, "no Create-Job"),
        Operation::SendDocument if !state.behaviour.has_create_job => refusal(OPERATION_NOT_SUPPORTED, "no such thing"),
        Operation::SendDocument | Operation::PrintJob if state.behaviour.refuses_documents.is_some() => {
            refusal(state.behaviour.refuses_documents.unwrap(), "not this one")
        }
        Operation::CreateJob | Operation::PrintJob => new_job(state, request, operation, was_cut),
        Operation::SendDocument => send_document(state, request, was_cut),
        Operation::GetJobAttributes => {
            let id = request.job_id();
            match state.book.find(id) {
                Some(job) => {
                    let job = job.clone();
                    bytes(0, None, &[(DelimiterTag::JobAttributes, job_facts(state, &job))])
                }
                None => refusal(NOT_FOUND, &format!("no job {id}")),
            }
        }
        Operation::GetJobs => {
            let ended = request.text("which-jobs") == "completed";
            let mut jobs: Vec<&FakeJob> = state.book.jobs.iter().filter(|job| job.state.has_ended() == ended).collect();
            if ended {
                jobs.sort_by_key(|job| std::cmp::Reverse(job.ended));
            }
            let keeps = |name: &str| !state.behaviour.lists_numbers || ["job-id", "job-uri"].contains(&name);
            let listed = |job: &FakeJob| job_facts(state, job).into_iter().filter(|(name, _)| keeps(name)).collect();
            let groups: Vec<_> = jobs.into_iter().map(|job| (DelimiterTag::JobAttributes, listed(job))).collect();
            bytes(0, None, &groups)
        }
        Operation::CancelJob => match state.book.find(request.job_id()).map(|job| (job.id, job.state, job.impressions))
        {
            None => refusal(NOT_FOUND, "no such job"),
            Some((_, ended, _)) if ended.has_ended() => refusal(NOT_POSSIBLE, "it has ended"),
            Some(_) if state.behaviour.refuses_cancel => refusal(OPERATION_NOT_SUPPORTED, "no Cancel-Job"),
            Some(_) if state.behaviour.cancels_late => bytes(0, None, &[]),
            Some((id, _, sheets)) => {
                state.book.end(id, FakeState::Canceled, sheets);
                bytes(0, None, &[])
            }
        },
        other => unreachable!("{other:?} is none of the known"),
    };
    state.advance();
    bytes
}

fn new_job(state: &mut State, request: Request, operation: Operation, was_cut: bool) -> Vec<u8> {
    if state.behaviour.busy {
        return refusal(BUSY, "one job at a time");
    }
    if !state.behaviour.accepting {
        return refusal(NOT_ACCEPTING_JOBS, "closed");
    }
    let setting = |name| request.value(DelimiterTag::JobAttributes, name);
    let media = setting("media-col").map(media_of);
    let takes = |(x, y): (i32, i32)| state.behaviour.media.contains(&(x, y));
    let words = words_of(&request);
    let known = &state.behaviour.borderless_types;
    let has_edges = known.is_empty() || words.get("media-type").is_some_and(|word| known.contains(word));
    let is_refused = media.is_some_and(|(_, to_edges)| to_edges && !has_edges)
        || media.is_some_and(|(size, margins)| !takes(size) || (margins && !state.behaviour.borderless));
    let fidelity = request.operation_value("ipp-attribute-fidelity") == Some(&IppValue::Boolean(true));
    if is_refused && fidelity && !state.behaviour.ignores_fidelity && !state.behaviour.is_spooler {
        return unsupported(SETTINGS_NOT_SUPPORTED);
    }
    let copies = match setting("copies") {
        Some(IppValue::Integer(copies)) => u32::try_from(*copies).unwrap(),
        None => 1,
        other => panic!("copies: {other:?}"),
    };
    assert!(copies == 1 || state.behaviour.speaks_of_copies, "it has not said that it takes copies");
    assert!(copies <= state.behaviour.max_copies.cast_unsigned(), "it takes no {copies} copies");
    let (name, user) = (request.text("job-name"), request.text("requesting-user-name"));
    let job = state.book.make(&name, &user, Instant::now());
    job.copies = copies;
    job.media = media.map(|(size, _)| size);
    job.words = words;
    job.borderless = media.is_some_and(|(_, borderless)| borderless);
    let (id, uuid) = (job.id, job.uuid.clone());
    if operation == Operation::PrintJob {
        take(state, id, request.document, was_cut);
    }
    let mut told = vec![("job-id", IppValue::Integer(id)), ("job-state", IppValue::Enum(FakeState::Pending as i32))];
    if state.behaviour.tells_uuid_at_once {
        told.push(("job-uuid", IppValue::new_uri(uuid).unwrap()));
    }
    let mut groups = vec![(DelimiterTag::JobAttributes, told)];
    if is_refused && !state.behaviour.is_spooler {
        groups.insert(0, (DelimiterTag::UnsupportedAttributes, vec![("media-col", IppValue::NoValue)]));
        return bytes(1, None, &groups);
    }
    bytes(0, None, &groups)
}

fn send_document(state: &mut State, request: Request, was_cut: bool) -> Vec<u8> {
    let id = request.job_id();
    let Some(job) = state.book.find(id) else { return refusal(NOT_FOUND, "no such job") };
    if job.document.is_some() || job.state.has_ended() {
        return refusal(NOT_POSSIBLE, "it has its document");
    }
    assert_eq!(request.operation_value("last-document"), Some(&IppValue::Boolean(true)));
    take(state, id, request.document, was_cut);
    state.advance();
    // One that has been forgotten at once is not known here either.
    let now = state.book.find(id).map(|job| job.state as i32);
    let mut told = vec![("job-id", IppValue::Integer(id))];
    told.extend(now.map(|now| ("job-state", IppValue::Enum(now))));
    bytes(0, None, &[(DelimiterTag::JobAttributes, told)])
}

/// A spooler keeps whole documents only; a direct printer prints as it reads.
fn take(state: &mut State, id: i32, document: Vec<u8>, was_cut: bool) {
    if was_cut && state.behaviour.is_spooler {
        state.book.jobs.retain(|job| job.id != id || job.document.is_some());
        return;
    }
    let job = state.book.find(id).unwrap();
    job.state = FakeState::Pending;
    job.document = Some(document);
    job.was_cut = was_cut;
}

/// What is asked for by a word, in `media-col` and beside it.
fn words_of(request: &Request) -> BTreeMap<String, String> {
    let mut words = BTreeMap::new();
    if let Some(IppValue::Collection(media)) = request.value(DelimiterTag::JobAttributes, "media-col") {
        for name in ["media-type", "media-source"] {
            words.extend(media.get(name).map(|word| (name.to_string(), word.to_string())));
        }
    }
    let scaling = request.value(DelimiterTag::JobAttributes, "print-scaling");
    words.extend(scaling.map(|word| ("print-scaling".to_string(), word.to_string())));
    words
}

/// Size, and whether all margins are nothing.
fn media_of(value: &IppValue) -> ((i32, i32), bool) {
    let IppValue::Collection(media) = value else { panic!("media-col: {value:?}") };
    let Some(IppValue::Collection(paper)) = media.get("media-size") else { panic!("no media-size: {media:?}") };
    let side = |name: &str| match paper.get(name) {
        Some(IppValue::Integer(side)) => *side,
        other => panic!("{name}: {other:?}"),
    };
    let margins = ["media-bottom-margin", "media-left-margin", "media-right-margin", "media-top-margin"];
    let borderless = margins.iter().all(|margin| media.get(*margin) == Some(&IppValue::Integer(0)));
    ((side("x-dimension"), side("y-dimension")), borderless)
}

fn facts(state: &State) -> Vec<Attribute> {
    let behaviour = &state.behaviour;
    let keyword = |text: &str| IppValue::new_keyword(text).unwrap();
    let open = state.book.jobs.iter().filter(|job| !job.state.has_ended()).count();
    let number = match (behaviour.stopped, open) {
        (true, _) => 5,
        (false, 0) => 3,
        (false, _) => 4,
    };
    let mut operations = vec![0x02, 0x04, 0x08, 0x09, 0x0a, 0x0b];
    if behaviour.has_create_job {
        operations.extend([0x05, 0x06]);
    }
    let none = vec!["none".to_string()];
    let reasons = if behaviour.reasons.is_empty() { &none } else { &behaviour.reasons };
    let size = |(x, y): &(i32, i32)| {
        let members = [("x-dimension", IppValue::Integer(*x)), ("y-dimension", IppValue::Integer(*y))];
        IppValue::Collection(members.into_iter().map(|(name, side)| (IppName::new(name).unwrap(), side)).collect())
    };
    let margins = if behaviour.borderless { vec![0, 317] } else { vec![317] };
    let margins = list(margins.into_iter().map(IppValue::Integer).collect());
    let mut facts = vec![
        ("printer-uuid", IppValue::new_uri(state.uuid.clone()).unwrap()),
        ("printer-make-and-model", IppValue::new_text_without_language("Fake Photo Printer").unwrap()),
        ("printer-up-time", IppValue::Integer(state.up_time_s())),
        ("printer-state", IppValue::Enum(number)),
        ("printer-state-reasons", list(reasons.iter().map(|r| keyword(r)).collect())),
        ("printer-is-accepting-jobs", IppValue::Boolean(behaviour.accepting)),
        ("queued-job-count", IppValue::Integer(i32::try_from(open).unwrap())),
        ("operations-supported", list(operations.into_iter().map(IppValue::Enum).collect())),
        (
            "document-format-supported",
            list(behaviour.formats.iter().map(|f| IppValue::new_mime_media_type(*f).unwrap()).collect()),
        ),
        ("print-quality-supported", list([3, 4, 5].map(IppValue::Enum).to_vec())),
        ("print-color-mode-supported", list(vec![keyword("color"), keyword("monochrome")])),
        ("print-scaling-supported", list(vec![keyword("auto"), keyword("fill"), keyword("fit"), keyword("none")])),
        ("copies-supported", IppValue::RangeOfInteger { min: 1, max: behaviour.max_copies }),
        ("media-col-supported", list(vec![keyword("media-size"), keyword("media-bottom-margin")])),
        ("media-size-supported", list(behaviour.media.iter().map(size).collect())),
        ("media-bottom-margin-supported", margins.clone()),
        ("media-left-margin-supported", margins.clone()),
        ("media-right-margin-supported", margins.clone()),
        ("media-top-margin-supported", margins),
    ];
    if !behaviour.types.is_empty() {
        facts.push(("media-type-supported", list(behaviour.types.iter().map(|word| keyword(word)).collect())));
    }
    if !behaviour.borderless_types.is_empty() {
        let margins = ["media-bottom-margin", "media-left-margin", "media-right-margin", "media-top-margin"];
        let entry = |(paper, kind): (&(i32, i32), &String)| {
            let margin = if behaviour.borderless_types.contains(kind) { 0 } else { 317 };
            let mut members = vec![("media-size", size(paper)), ("media-type", keyword(kind))];
            members.extend(margins.map(|name| (name, IppValue::Integer(margin))));
            IppValue::Collection(
                members.into_iter().map(|(name, value)| (IppName::new(name).unwrap(), value)).collect(),
            )
        };
        let pairs = behaviour.media.iter().flat_map(|paper| behaviour.types.iter().map(move |kind| (paper, kind)));
        facts.push(("media-col-database", list(pairs.map(entry).collect())));
    }
    if !behaviour.loaded.is_empty() {
        let loaded =
            |paper| IppValue::Collection([(IppName::new("media-size").unwrap(), size(paper))].into_iter().collect());
        facts.push(("media-col-ready", list(behaviour.loaded.iter().map(loaded).collect())));
    }
    if behaviour.hides_media {
        facts.retain(|(name, _)| !name.starts_with("media-"));
    }
    if !behaviour.speaks_of_copies {
        facts.retain(|(name, _)| *name != "copies-supported");
    }
    if behaviour.stuck.is_some() {
        facts.iter_mut().filter(|(name, _)| *name == "printer-state").for_each(|(_, value)| *value = IppValue::Enum(3));
    }
    if behaviour.is_spooler {
        facts.push(("cups-version", IppValue::new_text_without_language("2.4.2").unwrap()));
    }
    facts
}

fn job_facts(state: &State, job: &FakeJob) -> Vec<Attribute> {
    let has_no_document = job.document.is_none() && !job.state.has_ended();
    let behaviour = &state.behaviour;
    let reasons = match job.state {
        _ if has_no_document => vec!["job-incoming"],
        FakeState::Held => vec!["job-hold-until-specified"],
        FakeState::Stopped => vec!["printer-stopped"],
        _ if job.state.has_ended() && !behaviour.end_reasons.is_empty() => behaviour.end_reasons.clone(),
        _ => vec!["none"],
    };
    let reasons = reasons.into_iter().map(|reason| IppValue::new_keyword(reason).unwrap()).collect();
    let impressions = if behaviour.counts_documents { job.impressions.min(1) } else { job.impressions };
    let seconds = |at: Instant| {
        let before_now = i32::try_from(at.elapsed().as_secs()).unwrap();
        IppValue::Integer((state.up_time_s() - before_now).max(1))
    };
    let mut facts = vec![
        ("job-id", IppValue::Integer(job.id)),
        ("job-uuid", IppValue::new_uri(job.uuid.clone()).unwrap()),
        ("job-name", IppValue::new_name_without_language(job.name.clone()).unwrap()),
        ("job-state", IppValue::Enum(job.state as i32)),
        ("job-state-reasons", list(reasons)),
        ("job-impressions-completed", IppValue::Integer(i32::try_from(impressions).unwrap())),
        ("time-at-creation", seconds(job.created)),
        ("time-at-completed", job.ended.map_or(IppValue::NoValue, seconds)),
    ];
    if state.behaviour.hides_names {
        facts.retain(|(name, _)| *name != "job-name");
    }
    let kib = job.document.as_ref().map_or(0, |document| document.len().div_ceil(1024));
    let kib = IppValue::Integer(i32::try_from(kib).unwrap());
    if state.behaviour.is_spooler {
        facts.push(("job-k-octets", kib));
        facts.push(("number-of-documents", IppValue::Integer(i32::from(job.document.is_some()))));
    } else if state.behaviour.counts_octets {
        facts.push(("job-k-octets-processed", kib));
    }
    facts
}

/// The crate writes a list of one as a list; printers send what it reads back as the entry alone.
fn list(values: Vec<IppValue>) -> IppValue {
    IppValue::Array(values)
}

pub(super) fn refusal(status: u16, message: &str) -> Vec<u8> {
    bytes(status, Some(message), &[])
}

fn unsupported(status: u16) -> Vec<u8> {
    bytes(
        status,
        Some("that paper is not here"),
        &[(DelimiterTag::UnsupportedAttributes, vec![("media-col", IppValue::NoValue)])],
    )
}

fn bytes(status: u16, message: Option<&str>, groups: &[(DelimiterTag, Vec<Attribute>)]) -> Vec<u8> {
    let mut attributes = IppAttributes::new();
    let mut add = |tag, list: &[Attribute]| {
        let mut group = IppAttributeGroup::new(tag);
        let made = list.iter().map(|(name, value)| IppAttribute::with_name(name, value.clone()).unwrap());
        group.attributes_mut().extend(made);
        attributes.groups_mut().push(group);
    };
    let mut operation = vec![
        ("attributes-charset", IppValue::new_charset("utf-8").unwrap()),
        ("attributes-natural-language", IppValue::new_natural_language("en").unwrap()),
    ];
    operation.extend(message.map(|text| ("status-message", IppValue::new_text_without_language(text).unwrap())));
    add(DelimiterTag::OperationAttributes, &operation);
    for (tag, list) in groups {
        add(*tag, list);
    }
    let header = IppHeader::new(IppVersion::v1_1(), status.cast_signed(), 1);
    [header.to_bytes(), attributes.to_bytes()].concat()
}
