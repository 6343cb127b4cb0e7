"""What the referees' tests share: where things are, programs that are ended again, and the places that are asked."""
