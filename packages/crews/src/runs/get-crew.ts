import type { Crew } from "../definition/crew.ts";
import type { LoadedCrews } from "../definition/load-crews.ts";
import { crewErrors } from "../errors.ts";

/** The crew of a name. Throws `crew_not_found`, and `invalid_crew` for one whose files can't be used. */
export function getCrew({ crews, broken }: LoadedCrews, name: string): Crew {
  const crew = crews.find((one) => one.name === name);
  if (crew !== undefined) return crew;
  const wrong = broken.find((one) => one.name === name);
  if (wrong !== undefined) throw wrong.error;
  throw crewErrors.notFound(
    name,
    crews.map((one) => one.name),
  );
}
