-- breaking: older servers list, find and export documents that are in the trash.
-- Tags, collections, duplicates and the trash.
-- Locks: document and search_source for the moment of their new columns, document again while the index of its
-- hashes is made: about a second for a million documents.
-- Indexes: document_content finds duplicates, document_trash what is to be purged, document_tag_name and
-- document_collection_document the documents of a tag and the collections of a document,
-- search_source_hidden what search leaves out.

ALTER TABLE document
  -- Since when it is in the trash, and when it is deleted for good.
  ADD COLUMN trashed_at timestamptz,
  ADD COLUMN purge_at timestamptz,
  -- The oldest document with the same bytes when this one came. No foreign key: that one may be gone.
  ADD COLUMN duplicate_of uuid,
  ADD CONSTRAINT document_trash_has_end CHECK ((trashed_at IS NULL) = (purge_at IS NULL));
CREATE INDEX document_content ON document (workspace_id, content_hash);
CREATE INDEX document_trash ON document (purge_at) WHERE trashed_at IS NOT NULL;

CREATE TABLE document_tag (
  document_id uuid NOT NULL REFERENCES document (id) ON DELETE CASCADE,
  -- In lower case, with single spaces.
  tag text NOT NULL CHECK (length(tag) BETWEEN 1 AND 60),
  workspace_id uuid NOT NULL REFERENCES workspace (id),
  PRIMARY KEY (document_id, tag)
);
CREATE INDEX document_tag_name ON document_tag (workspace_id, tag, document_id);

CREATE TABLE collection (
  id uuid PRIMARY KEY,
  workspace_id uuid NOT NULL REFERENCES workspace (id),
  person_id uuid NOT NULL REFERENCES person (id),
  name text NOT NULL CHECK (length(name) BETWEEN 1 AND 100),
  -- The name in lower case: two that differ in nothing else are one.
  name_key text NOT NULL,
  created_at timestamptz NOT NULL DEFAULT now(),
  updated_at timestamptz NOT NULL DEFAULT now(),
  CONSTRAINT collection_name UNIQUE (workspace_id, name_key)
);

CREATE TABLE document_collection (
  collection_id uuid NOT NULL REFERENCES collection (id) ON DELETE CASCADE,
  document_id uuid NOT NULL REFERENCES document (id) ON DELETE CASCADE,
  PRIMARY KEY (collection_id, document_id)
);
CREATE INDEX document_collection_document ON document_collection (document_id);

-- Its passages stay and are not found until this is empty again.
ALTER TABLE search_source ADD COLUMN hidden_at timestamptz;
CREATE INDEX search_source_hidden ON search_source (workspace_id) WHERE hidden_at IS NOT NULL;
