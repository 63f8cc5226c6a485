console.log('result')
