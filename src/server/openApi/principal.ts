import { z } from 'zod';
import type { DescribedParameter } from './describedRoute.ts';

/** Who calls. */
export const principal: DescribedParameter = {
  name: 'x-ms-client-principal-id',
  in: 'header',
  description: 'Who calls. Absent: nobody',
  schema: z.string().max(256),
};
