declare module 'asl-validator' {
  /** Validates a definition in Amazon States Language. */
  export default function validate(
    definition: unknown,
    options?: { checkPaths?: boolean; checkArn?: boolean },
  ): {
    isValid: boolean;
    errorsText: (separator?: string) => string;
  };
}
