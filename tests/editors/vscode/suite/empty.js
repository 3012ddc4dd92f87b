// The tests are loaded by their path; an extension needs a main file.
