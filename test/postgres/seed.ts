/** What is random in these tests follows from it: `SEED=… npm test -- …` runs the same again, as far as time allows. */
export const seed = Number(process.env['SEED'] ?? Math.floor(Math.random() * 1e9));
