//! Protected health information as a type of its own.

use std::fmt;

/// A value that is, or may contain, protected health information.
///
/// It has no `Display`, its `Debug` prints `[redacted]`, and it does not implement `Serialize`:
/// the only ways out are [`Phi::expose`] and [`Phi::into_exposed`], which are easy to search for.
///
/// ```compile_fail,E0277
/// println!("{}", domain::Phi::new("Ada"));
/// ```
/// ```compile_fail,E0599
/// let _ = domain::Phi::new("Ada").to_string();
/// ```
/// ```compile_fail,E0277
/// let _ = serde_json::to_string(&domain::Phi::new("Ada".to_owned()));
/// ```
/// Nor does what holds one, unless it says so itself:
/// ```compile_fail,E0277
/// #[derive(serde::Serialize)]
/// struct Person {
///     name: domain::Phi<String>,
/// }
/// ```
/// It is no text either, so that it goes nowhere where a text is wanted:
/// ```compile_fail,E0308
/// let name: &str = &domain::Phi::new("Ada".to_owned());
/// ```
/// Nothing but that keeps these from compiling:
/// ```
/// let phi = domain::Phi::new("Ada".to_owned());
/// println!("{phi:?}, {}, {}", phi.expose(), serde_json::to_string(phi.expose()).unwrap());
/// let name: &str = phi.expose();
/// ```
#[derive(Clone, PartialEq, Eq)]
pub struct Phi<T>(T);

impl<T> Phi<T> {
    /// Marks a value as protected.
    pub const fn new(value: T) -> Self {
        Self(value)
    }

    /// Looks at the value. Each caller is a place where PHI is handled: keep it near its use.
    pub const fn expose(&self) -> &T {
        &self.0
    }

    /// Takes the value out.
    pub fn into_exposed(self) -> T {
        self.0
    }

    /// Applies a function to the value, keeping the mark.
    pub fn map<U>(self, f: impl FnOnce(T) -> U) -> Phi<U> {
        Phi(f(self.0))
    }
}

impl<T> fmt::Debug for Phi<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("[redacted]")
    }
}

impl<T> From<T> for Phi<T> {
    fn from(value: T) -> Self {
        Self(value)
    }
}

#[cfg(test)]
mod tests {
    use super::Phi;

    #[test]
    fn debug_is_redacted() {
        assert_eq!(format!("{:?}", Phi::new("Ada")), "[redacted]");
    }
}
