console.log(`post with state ${process.env.STATE_saved}`);
