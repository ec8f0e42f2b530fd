-- Formats are added with releases, so the list of them is the program's: the column keeps only the form of
-- a name, and a worker of the version before may meet one that it does not know.
-- Locks: document, for the moment that looking at its rows takes.

ALTER TABLE document
  DROP CONSTRAINT document_file_type_check,
  ADD CONSTRAINT document_file_type_check CHECK (file_type ~ '^[a-z][a-z0-9_]{0,19}$');
