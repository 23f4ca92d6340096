/** How a runner knows what an interrupt of a graph asks a person; on the wire the same words. */
export const approvalType = 'plan_approval_request';
export const clarificationType = 'user_clarification_request';
