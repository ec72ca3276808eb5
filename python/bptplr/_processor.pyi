# Nothing to call: importing it fails with a sentence on a processor that _core would not run on.
