//! Page tokens: the position of a reader in a stream or a group.

/// A position in the order of events: by time, then by arrival.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Position {
    pub(super) moment: i64,
    pub(super) id: i64,
}

impl Position {
    /// Before every event.
    pub(super) const START: Self = Self { moment: i64::MIN, id: i64::MIN };
    /// After every event.
    pub(super) const END: Self = Self { moment: i64::MAX, id: i64::MAX };
}

/// A token of `GetLogEvents`: direction and position. The event at the position is not returned again.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Token {
    Forward(Position),
    Backward(Position),
}

impl Token {
    pub(super) fn read(text: &str) -> Option<Self> {
        let (way, rest) = text.split_once('/')?;
        let position = read_position(rest)?;
        match way {
            "f" => Some(Self::Forward(position)),
            "b" => Some(Self::Backward(position)),
            _ => None,
        }
    }

    pub(super) fn write(self) -> String {
        match self {
            Self::Forward(position) => format!("f/{}", write_position(position)),
            Self::Backward(position) => format!("b/{}", write_position(position)),
        }
    }
}

fn read_position(text: &str) -> Option<Position> {
    let (moment, id) = text.split_once('/')?;
    Some(Position { moment: moment.parse().ok()?, id: id.parse().ok()? })
}

fn write_position(position: Position) -> String {
    format!("{}/{}", position.moment, position.id)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn tokens_round_trip() {
        for position in [Position::START, Position::END, Position { moment: 5, id: 7 }] {
            for token in [Token::Forward(position), Token::Backward(position)] {
                assert_eq!(Token::read(&token.write()), Some(token));
            }
        }
        for bad in ["", "f", "f/", "f/1", "x/1/2", "f/1/2/3", "f/a/b"] {
            assert_eq!(Token::read(bad), None, "{bad}");
        }
    }
}
