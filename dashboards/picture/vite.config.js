export default { build: { target: "esnext", chunkSizeWarningLimit: 20000 } };
