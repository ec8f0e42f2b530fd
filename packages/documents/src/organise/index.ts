export {
  addToCollection,
  Collections,
  readCollection,
  removeFromCollection,
  setCollections,
} from "./collections.ts";
export { hasTag, isInCollection } from "./conditions.ts";
export { addTags, listTags, removeTags, setTags } from "./tags.ts";
