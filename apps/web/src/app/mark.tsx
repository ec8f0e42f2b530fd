/** The mark: water runs down its channel and turns the wheel. */
export function Mark({ size = 28 }: { size?: number }) {
  return (
    <svg width={size} height={size} viewBox="0 0 32 32" fill="none" aria-hidden="true">
      <rect width="32" height="32" rx="8" fill="#0f6276" />
      <path d="M4 9.5h9.2c6.9 0 12 5.1 12 12V28" stroke="#fff" strokeWidth="2.6" strokeLinecap="round" />
      <path d="M4 5.6h8.6" stroke="#8fd3e2" strokeWidth="2.2" strokeLinecap="round" />
      <circle cx="13.2" cy="20.6" r="6.1" stroke="#fff" strokeWidth="2.4" />
      <path d="M13.2 14.5v12.2M7.1 20.6h12.2" stroke="#8fd3e2" strokeWidth="1.8" />
      <circle cx="13.2" cy="20.6" r="1.7" fill="#fff" />
    </svg>
  );
}
