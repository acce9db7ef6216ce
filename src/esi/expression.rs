//! Whether a test holds ([ESI 1.0 §5](https://www.w3.org/TR/esi-lang)): variables, literals, comparisons, `!`, `&`, `|`, parentheses.

use std::cmp::Ordering;

/// Parentheses and negations deeper than this are no expression.
const DEEPEST: usize = 16;

/// What a part of an expression amounts to.
enum Value {
    /// Of a comparison.
    Truth(bool),
    /// Of a variable; alone it holds if there is something.
    Variable(String),
    /// Alone it says nothing.
    Literal(String),
}

/// Not an expression. It does not hold.
struct Invalid;

/// Whether `test` holds. `lookup` has the values of variables, as they stand between `$(` and `)`.
pub(super) fn holds(test: &str, lookup: &mut dyn FnMut(&str) -> Option<String>) -> bool {
    let mut parser = Parser { rest: test, lookup, depth: 0 };
    let holds = parser.either().and_then(truth);
    parser.skip_space();
    parser.rest.is_empty() && matches!(holds, Ok(true))
}

struct Parser<'a> {
    rest: &'a str,
    lookup: &'a mut dyn FnMut(&str) -> Option<String>,
    depth: usize,
}

impl Parser<'_> {
    fn either(&mut self) -> Result<Value, Invalid> {
        let mut left = self.both()?;
        while self.takes_operator("|") {
            let right = self.both()?;
            left = Value::Truth(truth(left)? | truth(right)?);
        }
        Ok(left)
    }

    fn both(&mut self) -> Result<Value, Invalid> {
        let mut left = self.negation()?;
        while self.takes_operator("&") {
            let right = self.negation()?;
            left = Value::Truth(truth(left)? & truth(right)?);
        }
        Ok(left)
    }

    fn negation(&mut self) -> Result<Value, Invalid> {
        self.skip_space();
        if let Some(rest) = self.rest.strip_prefix('!').filter(|rest| !rest.starts_with('=')) {
            self.rest = rest;
            return self.deeper(Self::negation).and_then(truth).map(|holds| Value::Truth(!holds));
        }
        self.comparison()
    }

    fn comparison(&mut self) -> Result<Value, Invalid> {
        let left = self.operand()?;
        let operators = ["==", "!=", "<=", ">=", "<", ">", "has "];
        let Some(operator) = operators.into_iter().find(|operator| self.takes(operator)) else { return Ok(left) };
        let right = self.operand()?;
        let (left, right) = (text(left)?, text(right)?);
        // "If an operand is empty or undefined, the expression will always evaluate to false."
        let is_defined = !left.is_empty() && !right.is_empty();
        Ok(Value::Truth(is_defined && compares(&left, operator, &right)))
    }

    fn operand(&mut self) -> Result<Value, Invalid> {
        self.skip_space();
        if self.takes("$(") {
            let (variable, rest) = split_variable(self.rest).ok_or(Invalid)?;
            self.rest = rest;
            return Ok(Value::Variable((self.lookup)(variable).unwrap_or_default()));
        }
        if self.takes("(") {
            let inner = self.deeper(Self::either)?;
            return if self.takes(")") { Ok(inner) } else { Err(Invalid) };
        }
        if self.takes("'") {
            let (literal, rest) = self.rest.split_once('\'').ok_or(Invalid)?;
            self.rest = rest;
            return Ok(Value::Literal(literal.to_owned()));
        }
        let is_plain = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'.' | b'-' | b'_' | b'+');
        let end = self.rest.bytes().position(|byte| !is_plain(byte)).unwrap_or(self.rest.len());
        let (literal, rest) = self.rest.split_at(end);
        self.rest = rest;
        if literal.is_empty() { Err(Invalid) } else { Ok(Value::Literal(literal.to_owned())) }
    }

    fn deeper(&mut self, part: fn(&mut Self) -> Result<Value, Invalid>) -> Result<Value, Invalid> {
        if self.depth == DEEPEST {
            return Err(Invalid);
        }
        self.depth += 1;
        let value = part(self);
        self.depth -= 1;
        value
    }

    /// A logical operator; twice means the same.
    fn takes_operator(&mut self, operator: &str) -> bool {
        let takes = self.takes(operator);
        if takes {
            self.rest = self.rest.strip_prefix(operator).unwrap_or(self.rest);
        }
        takes
    }

    fn takes(&mut self, text: &str) -> bool {
        self.skip_space();
        let rest = self.rest.strip_prefix(text);
        self.rest = rest.unwrap_or(self.rest);
        rest.is_some()
    }

    fn skip_space(&mut self) {
        self.rest = self.rest.trim_ascii_start();
    }
}

/// The index of the parenthesis that ends a variable: outside quotes.
pub(super) fn split_variable(text: &str) -> Option<(&str, &str)> {
    let mut quoted = false;
    text.split_once(|c| {
        quoted ^= c == '\'';
        c == ')' && !quoted
    })
}

fn truth(value: Value) -> Result<bool, Invalid> {
    match value {
        Value::Truth(holds) => Ok(holds),
        Value::Variable(value) => Ok(!value.is_empty() && value != "false"),
        Value::Literal(_) => Err(Invalid),
    }
}

fn text(value: Value) -> Result<String, Invalid> {
    match value {
        Value::Variable(text) | Value::Literal(text) => Ok(text),
        Value::Truth(_) => Err(Invalid),
    }
}

/// As numbers if both are, otherwise as text.
fn compares(left: &str, operator: &str, right: &str) -> bool {
    if operator == "has " {
        return left.contains(right);
    }
    let order = match (number(left), number(right)) {
        (Some(left), Some(right)) => left.partial_cmp(&right).unwrap_or(Ordering::Equal),
        _ => left.cmp(right),
    };
    match operator {
        "==" => order.is_eq(),
        "!=" => order.is_ne(),
        "<=" => order.is_le(),
        ">=" => order.is_ge(),
        "<" => order.is_lt(),
        _ => order.is_gt(),
    }
}

/// A number in thousandths: digits with at most one point. Parsing floating point would cost more than it is worth here.
fn number(text: &str) -> Option<i64> {
    let (sign, digits) = text.strip_prefix('-').map_or((1, text), |digits| (-1, digits));
    let (whole, fraction) = digits.split_once('.').unwrap_or((digits, "0"));
    let is_number = |part: &str| (1..=15).contains(&part.len()) && part.bytes().all(|byte| byte.is_ascii_digit());
    if !is_number(whole) || !is_number(fraction) {
        return None;
    }
    // The first three digits behind the point, however many there are.
    let digits = whole.bytes().chain(fraction.bytes().chain(*b"00").take(3));
    Some(sign * digits.fold(0, |number, digit| number * 10 + i64::from(digit - b'0')))
}
