//! The symbols of the workspace as an outline that fits a budget.
