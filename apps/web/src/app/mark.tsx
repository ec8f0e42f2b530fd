/** The mark: water runs down its channel and turns the wheel. */
export function Mark({ size = 28 }: { size?: number }) {
  return (
    <svg width={size} height={size} viewBox="0 0 32 32" fill="none" aria-hidden="true">
      <rect width="32" height="32" rx="8" fill="#0f6276" />
      <path
        d="M3.8 7.4h9.4c7.6 0 13 5.4 13 13v7.8"
        stroke="#8fd3e2"
        strokeWidth="2.8"
        strokeLinecap="round"
      />
      <circle cx="13.4" cy="20.2" r="7.3" stroke="#fff" strokeWidth="3" strokeDasharray="2.3 3.433" />
      <circle cx="13.4" cy="20.2" r="5" stroke="#fff" strokeWidth="2.4" />
      <circle cx="13.4" cy="20.2" r="1.7" fill="#fff" />
    </svg>
  );
}
