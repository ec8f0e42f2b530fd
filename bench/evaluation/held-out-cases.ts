import type { EvaluationCase } from "./case.ts";

/**
 * Texts that nothing was tuned on: they tell whether the scores of `cases` are worth anything
 * elsewhere. Look at the figures only, and replace the texts once something was learned from them.
 */
export const heldOutCases: readonly EvaluationCase[] = [
  {
    file: "held-out/incident.md",
    title: "Incident report: checkout unavailable on 9 February",
    language: "en",
    facts: [
      /47 minutes|5,200 orders/,
      /charged twice|312/,
      /connection/,
      /rolled the version back|switched off retries|retries/i,
    ],
    points: [
      /1,600 connections|limit of connections/,
      /idempotency key/,
      /feature flag|10:39/,
      /channel that nobody reads|alert/i,
      /refused|random time/,
    ],
    never: [/pool:|max: 100/, /Severity/, /What happened At/],
    topics: [/connection|pool/i, /payment|checkout/i, /retr(y|ies)|database/i],
    alsoTopics: [
      /service|shop|order|customer|process|idempotency|key|limit|alert|load|error|charge|deployment|traffic|version|attempt|February/i,
    ],
    mood: "neutral",
    questions: [
      { question: "How long was the checkout unavailable?", answer: /47 minutes/ },
      { question: "How many customers were charged twice?", answer: /312/ },
      { question: "When did the engineer roll back?", answer: /10:39/ },
      { question: "Why was the alert not noticed?", answer: /channel that nobody reads/ },
      { question: "Which dinosaur was the largest?", answer: null },
    ],
  },
  {
    file: "held-out/opinion.txt",
    title: "The slow death of the night bus",
    language: "en",
    facts: [
      /N7/,
      /1,900 people|nurses, cleaners/,
      /800,000|less than half/,
      /should come back|terrible mistake/,
    ],
    points: [/1,900|workers/, /800,000|350,000/, /24 pounds|13 pounds/, /Leeds/, /study|come back/],
    never: [/night bus When/],
    topics: [/N7|bus/i, /council/i, /taxi|night|loss|city/i],
    alsoTopics: [
      /nurse|cleaner|river|car|Leeds|Maria|Lopes|pound|figure|job|driver|supplement|terminus|worker|Eastfield|hospital|train/i,
    ],
    mood: "negative",
    questions: [
      { question: "How many people used the night bus?", answer: /1,900/ },
      { question: "What does a taxi cost?", answer: /24 pounds/ },
      { question: "How did Leeds cut its costs?", answer: /Leeds runs smaller buses/ },
      { question: "What did the university study find?", answer: /independent study/ },
      { question: "How do you bake sourdough bread?", answer: null },
    ],
  },
  {
    file: "held-out/spanish.txt",
    title: "El faro de Cabo Norte vuelve a tener farero",
    language: "es",
    facts: [/faro de Cabo Norte/, /Inés Roldán|pareja|fareros/, /86\.000|720\.000|turistas|4\.100/],
    points: [/4\.100/, /720\.000|restauración/, /pardela|nidos/, /86\.000|60\.000/, /autobús|coches|1\.650/],
    never: [/farero Después/],
    topics: [/faro/i, /autoridad|puert/i, /fareros?|cabo|aves|colonias|nidos/i],
    alsoTopics: [
      /turista|visitante|vivienda|años|octubre|restaurante|torre|agua|pardela|euros|Norte|refugio|restauración|suelo|especie|noche|costa|casa/i,
    ],
    mood: null,
    questions: [
      { question: "¿Cuántas personas se presentaron al anuncio?", answer: /4\.100/ },
      { question: "¿Cuánto costó la restauración de la vivienda?", answer: /720\.000/ },
      { question: "¿Qué especie anida en los acantilados?", answer: /pardela/ },
      { question: "¿Cuánto cobrarán los fareros?", answer: /1\.650/ },
      { question: "¿Quién pintó la Mona Lisa?", answer: null },
    ],
  },
];
