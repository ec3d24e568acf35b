"""`ansatz fit`: what does y depend on, and how far may the answer be trusted?"""
