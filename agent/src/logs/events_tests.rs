//! Events are within the limits and lose nothing.

use super::*;
use proptest::prelude::*;

fn marks() -> Marks {
    let mut marks = Marks::default();
    marks.add(0, Timestamp::from_millis(1000));
    marks
}

/// All events of a log that is seen in windows of this size.
fn all(log: &[u8], window: usize) -> Vec<Event> {
    let (mut cutter, mut events) = (Cutter::default(), Vec::new());
    loop {
        let start = usize::try_from(cutter.offset()).unwrap();
        let seen = &log[start..(start + window).min(log.len())];
        let ended = start + seen.len() == log.len();
        let (batch, next) = cutter.cut(seen, if ended { Rest::Ended } else { Rest::Growing }, &marks());
        let bytes: usize = batch.iter().map(|e| e.message.len() + service::EVENT_OVERHEAD).sum();
        assert!(bytes <= BATCH_BYTES && batch.len() <= BATCH_EVENTS);
        assert!(batch.iter().all(|e| !e.message.is_empty() && e.message.len() <= EVENT_BYTES));
        assert!(next.offset() > cutter.offset() || log.is_empty(), "stuck at {}", cutter.offset());
        events.extend(batch);
        cutter = next;
        if cutter.offset() == log.len() as u64 {
            return events;
        }
    }
}

fn texts(events: &[Event]) -> Vec<&str> {
    events.iter().map(|event| event.message.as_str()).collect()
}

const WINDOW: usize = BATCH_BYTES;

#[test]
fn lines_become_events() {
    assert_eq!(texts(&all(b"one\n\ntwo\r\nlast", WINDOW)), ["one", " ", "two\r", "last"]);
    assert_eq!(texts(&all("aä\r\nb".as_bytes(), WINDOW)), ["aä\r", "b"]);
    assert_eq!(texts(&all(b"a\xffb\xe2\x82\n\xe2\x82", WINDOW)), ["a\u{fffd}b\u{fffd}", "\u{fffd}"]);
}

#[test]
fn an_unfinished_line_waits() {
    let (events, next) = Cutter::default().cut(b"one\ntw", Rest::Growing, &marks());
    assert_eq!(texts(&events), ["one"]);
    assert_eq!(next.offset(), 4);
    let (events, next) = next.cut(b"two\n", Rest::Growing, &marks());
    assert_eq!((texts(&events), next.offset()), (vec!["two"], 8));
}

#[test]
fn an_unfinished_line_of_a_silent_script_is_sent_without_half_a_character() {
    let line = "waiting …".as_bytes();
    let (events, next) = Cutter::default().cut(&line[..line.len() - 1], Rest::Silent, &marks());
    assert_eq!(texts(&events), ["waiting "]);
    let (events, same) = next.cut(&line[8..line.len() - 1], Rest::Silent, &marks());
    assert_eq!((events.len(), same), (0, next), "the character is still not whole");
    let (events, next) = next.cut("… done\nnext\n".as_bytes(), Rest::Growing, &marks());
    assert_eq!(texts(&events), ["… done", "next"]);
    assert_eq!(next.offset(), 22);
}

#[test]
fn a_ten_megabyte_line_is_cut_into_pieces_and_leaves_no_empty_event() {
    let mut log = vec![b'x'; 10_000_000];
    log.extend_from_slice(b"\nnext\n");
    let events = all(&log, WINDOW);
    assert_eq!(events.len(), 51);
    assert_eq!(events.iter().take(50).map(|e| e.message.len()).sum::<usize>(), 10_000_000);
    assert_eq!(events[50].message, "next");
}

#[test]
fn a_batch_has_no_more_events_than_may_be() {
    const { assert!(BATCH_EVENTS <= service::BATCH_EVENTS) };
    let log = b"\n".repeat(25_000);
    let (events, next) = Cutter::default().cut(&log, Rest::Ended, &marks());
    assert_eq!(events.len(), BATCH_EVENTS);
    assert_eq!(next.offset(), events.len() as u64);
    assert_eq!(all(&log, WINDOW).len(), 25_000);
}

#[test]
fn lines_a_day_apart_are_not_in_one_batch() {
    let mut marks = Marks::default();
    marks.add(0, Timestamp::from_millis(0));
    marks.add(4, Timestamp::from_millis(service::BATCH_SPAN_MILLIS));
    let (events, next) = Cutter::default().cut(b"one\ntwo\n", Rest::Ended, &marks);
    assert_eq!((texts(&events), next.offset()), (vec!["one"], 4));
    let (events, _) = next.cut(b"two\n", Rest::Ended, &marks);
    assert_eq!(events[0].at, Timestamp::from_millis(service::BATCH_SPAN_MILLIS));
}

#[test]
fn marks_are_few_and_in_order() {
    let mut marks = Marks::default();
    for second in 0..100_000 {
        marks.add(second * 10, Timestamp::from_millis(i64::try_from(second).unwrap() * 1000));
    }
    assert!(marks.0.len() <= Marks::MOST);
    assert_eq!(marks.at(0), Timestamp::from_millis(0));
    assert!(marks.at(999_999) > marks.at(500_000));
    marks.forget_before(500_000);
    assert!(marks.at(500_000) <= Timestamp::from_millis(50_000_000));
    assert!(marks.0.len() < Marks::MOST);
}

proptest! {
    #[test]
    fn nothing_is_lost_however_the_file_is_seen(
        log in proptest::collection::vec(
            prop_oneof![3 => Just(b'\n'), 10 => any::<u8>(), 3 => Just(0xe2u8), 3 => Just(0x82u8)], 0..200,
        ),
    ) {
        let events = all(&log, WINDOW);
        let mut lines: Vec<_> = log.split(|&byte| byte == b'\n').map(String::from_utf8_lossy).collect();
        if lines.last().is_some_and(|line| line.is_empty()) {
            lines.pop();
        }
        let want: Vec<_> = lines.iter().map(|line| if line.is_empty() { " " } else { line }).collect();
        prop_assert_eq!(texts(&events), want);
    }

    #[test]
    fn long_lines_of_any_bytes_keep_all_their_text(
        unit in proptest::collection::vec(prop_oneof![Just(b'a'), Just(0xffu8), Just(0xe2u8), Just(0x82u8), Just(0xacu8)], 1..9),
        count in 1usize..60_000,
    ) {
        let log = unit.repeat(count);
        let events = all(&log, WINDOW);
        let got: String = events.iter().map(|event| event.message.as_str()).collect();
        prop_assert_eq!(got, String::from_utf8_lossy(&log));
    }
}
